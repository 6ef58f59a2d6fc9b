// Draws a cat, and watches another one being drawn.
//
//	go run . -target localhost:50051 -category cat -seed 7
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"time"

	"google.golang.org/grpc"

	sketcherv1 "example.com/sketcher/sketcher/v1"
)

var (
	target   = flag.String("target", "localhost:50051", "of the gateway")
	category = flag.String("category", "cat", "what to draw")
	seed     = flag.Int("seed", 7, "the same one draws the same")
)

func main() {
	flag.Parse()
	// Plainly, on this machine; elsewhere with credentials.NewTLS.
	connection, err := grpc.Dial(*target, grpc.WithInsecure())
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	client := sketcherv1.NewSketcherServiceClient(connection)
	if err := generate(ctx, client); err != nil {
		log.Fatal(err)
	}
	if err := draw(ctx, client); err != nil {
		log.Fatal(err)
	}
}

// generate asks for two sketches at once.
func generate(ctx context.Context, client sketcherv1.SketcherServiceClient) error {
	count, seed := int32(2), int32(*seed)
	answer, err := client.Generate(ctx, &sketcherv1.GenerateRequest{
		Category: *category, Count: &count, Seed: &seed,
	})
	if err != nil {
		return err // status.FromError tells its code and its details
	}
	for _, sketch := range answer.Sketches {
		points := 0
		for _, stroke := range sketch.Strokes {
			points += len(stroke.Points)
		}
		fmt.Printf("%s: %d strokes, %d points, finished %t\n",
			sketch.Category, len(sketch.Strokes), points, sketch.Finished)
	}
	return nil
}

// draw takes the points of one sketch as they are drawn.
func draw(ctx context.Context, client sketcherv1.SketcherServiceClient) error {
	stream, err := client.Draw(ctx)
	if err != nil {
		return err
	}
	seed := int32(*seed)
	start := &sketcherv1.DrawStart{Category: *category, Seed: &seed}
	request := &sketcherv1.DrawRequest{
		Command: &sketcherv1.DrawRequest_Start{Start: start},
	}
	if err := stream.Send(request); err != nil {
		return err
	}
	points := 0
	for {
		answer, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		points += len(answer.Points)
		if answer.End != nil {
			fmt.Printf("drawn live: %d points, finished %t\n", points, answer.End.Finished)
		}
	}
}
