namespace Sluice.Topologies;

/// <summary>Gives each place of ordered layers its height on the page, so that edges are as straight as their order allows.</summary>
/// <remarks>
/// Each sweep moves the places of a layer as near as possible to the heights that their neighbours ask for, least squares weighted, without
/// changing their order or coming too near (isotonic regression by pooling neighbours that collide; R. Barlow and others, 1972). Links
/// between bends weigh most, as in E. Gansner and others, "A technique for drawing directed graphs", 1993. Used by one thread.
/// </remarks>
internal sealed class Straightening
{
    private const int Sweeps = 16;
    private const double Gap = 18, GapOfBends = 14;

    private readonly LayerGraph graph;
    private readonly double[] heights;
    private readonly Dictionary<Link, (double From, double To)> ports;
    private readonly double[] y;

    private Straightening(LayerGraph graph, double[] heights, Dictionary<Link, (double From, double To)> ports)
    {
        (this.graph, this.heights, this.ports) = (graph, heights, ports);
        y = new double[graph.Places];
    }

    /// <summary>Returns the middle of each place, from the top; the highest box begins at 0.</summary>
    /// <param name="graph">The graph, with its layers ordered.</param>
    /// <param name="heights">The height of each place.</param>
    /// <param name="ports">Where a link begins and ends, relative to the middles of its places.</param>
    public static double[] Place(LayerGraph graph, double[] heights, Dictionary<Link, (double From, double To)> ports)
    {
        var straightening = new Straightening(graph, heights, ports);
        straightening.Begin();
        for (int sweep = 0; sweep < Sweeps; sweep++)
        {
            Side side = sweep >= Sweeps - 4 ? Side.Both : sweep % 2 == 0 ? Side.Before : Side.Behind;
            if (sweep % 2 == 0) for (int layer = 0; layer < graph.Layers.Length; layer++) straightening.Move(layer, side);
            else for (int layer = graph.Layers.Length - 1; layer >= 0; layer--) straightening.Move(layer, side);
        }
        double top = straightening.y.Select((middle, place) => middle - (heights[place] / 2)).DefaultIfEmpty().Min();
        return [.. straightening.y.Select(middle => Math.Round(middle - top, 1))];
    }

    private enum Side
    {
        Before,
        Behind,
        Both,
    }

    private void Begin()
    {
        foreach (int[] layer in graph.Layers)
        {
            double at = 0;
            for (int i = 0; i < layer.Length; i++) y[layer[i]] = at += i == 0 ? 0 : Distance(layer[i - 1], layer[i]);
            foreach (int place in layer) y[place] -= at / 2;
        }
    }

    private double Distance(int above, int below)
        => ((heights[above] + heights[below]) / 2) + (graph.IsBend(above) && graph.IsBend(below) ? GapOfBends : Gap);

    private void Move(int layer, Side side)
    {
        int[] places = graph.Layers[layer];
        var blocks = new Stack<Block>();
        double offset = 0;
        for (int i = 0; i < places.Length; i++)
        {
            if (i > 0) offset += Distance(places[i - 1], places[i]);
            (double wanted, double weight) = Wanted(places[i], side);
            var block = new Block((wanted - offset) * weight, weight, 1);
            while (blocks.TryPeek(out Block above) && above.Mean >= block.Mean) block = block.With(blocks.Pop());
            blocks.Push(block);
        }
        offset = 0;
        int at = 0;
        foreach (Block block in blocks.Reverse())
            for (int i = 0; i < block.Count; i++, at++)
            {
                if (at > 0) offset += Distance(places[at - 1], places[at]);
                y[places[at]] = block.Mean + offset;
            }
    }

    /// <summary>Where the neighbours would have a place, and how much that counts.</summary>
    private (double Y, double Weight) Wanted(int place, Side side)
    {
        double sum = 0, weight = 0;
        if (side != Side.Behind)
            foreach (Link link in graph.Into(place)) Add(link, y[link.From] + ports[link].From - ports[link].To);
        if (side != Side.Before)
            foreach (Link link in graph.OutOf(place)) Add(link, y[link.To] + ports[link].To - ports[link].From);
        return weight == 0 ? (y[place], 0.01) : (sum / weight, weight);

        void Add(Link link, double wanted)
        {
            double counts = (graph.IsBend(link.From), graph.IsBend(link.To)) switch
            {
                (true, true) => 8,
                (false, false) => 1,
                _ => 2,
            };
            (sum, weight) = (sum + (wanted * counts), weight + counts);
        }
    }

    /// <summary>Places that touch, and move together.</summary>
    private readonly record struct Block(double Sum, double Weight, int Count)
    {
        public double Mean => Sum / Weight;

        public Block With(Block above) => new(Sum + above.Sum, Weight + above.Weight, Count + above.Count);
    }
}
