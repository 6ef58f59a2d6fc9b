"""Makes models of this project out of trained models of Sketch-RNN's authors.

python -m sketcher_tf.import_model bird.gen.json --output=runs/bird
python -m sketcher_tf.import_model quickdraw:bird --output=runs/bird
python -m sketcher_tf.import_model aaron_sheep.zip --output=runs/sheep
"""
