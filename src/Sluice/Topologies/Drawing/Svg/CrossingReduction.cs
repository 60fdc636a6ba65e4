namespace Sluice.Topologies;

/// <summary>Orders the places of each layer so that few edges cross.</summary>
/// <remarks>
/// Sweeps over the layers, forwards and backwards: each place goes to the mean position of its neighbours in the layer before (barycentre
/// heuristic; Sugiyama and others, 1981). Then neighbours change places where that saves crossings. The best order seen is kept. Used by
/// one thread.
/// </remarks>
internal sealed class CrossingReduction
{
    private const int MaxSweeps = 24;

    // A larger graph gets fewer sweeps: it cannot be read anyway.
    private const int MaxSteps = 4_000_000;

    private readonly LayerGraph graph;
    private readonly int[] position;

    private CrossingReduction(LayerGraph graph)
    {
        this.graph = graph;
        position = new int[graph.Places];
    }

    /// <summary>Orders the layers.</summary>
    /// <returns>The number of crossings that are left.</returns>
    public static long Reduce(LayerGraph graph)
    {
        var reduction = new CrossingReduction(graph);
        reduction.Begin();
        return reduction.Sweep();
    }

    // Depth first, so that a tree has no crossing from the start.
    private void Begin()
    {
        var seen = new bool[graph.Places];
        var next = new int[graph.Layers.Length];
        var open = new Stack<int>();
        foreach (int root in graph.Layers.SelectMany(static layer => layer).Where(place => graph.Into(place).Count == 0))
        {
            open.Push(root);
            while (open.TryPop(out int place))
            {
                if (seen[place]) continue;
                seen[place] = true;
                position[place] = next[graph.LayerOf(place)]++;
                List<Link> links = graph.OutOf(place);
                for (int i = links.Count - 1; i >= 0; i--) open.Push(links[i].To);
            }
        }
        foreach (int[] layer in graph.Layers) Array.Sort(layer, (a, b) => position[a].CompareTo(position[b]));
    }

    private long Sweep()
    {
        int[][] best = Copy();
        long fewest = Count();
        int places = Math.Max(1, graph.Places + graph.Ways.Length);
        int sweeps = Math.Clamp(MaxSteps / places / 8, 2, MaxSweeps);
        for (int sweep = 0; sweep < sweeps && fewest > 0; sweep++)
        {
            if (sweep % 2 == 0) for (int layer = 1; layer < graph.Layers.Length; layer++) Order(layer, isForward: true);
            else for (int layer = graph.Layers.Length - 2; layer >= 0; layer--) Order(layer, isForward: false);
            for (int layer = 0; layer < graph.Layers.Length; layer++) Swap(layer);
            long crossings = Count();
            if (crossings >= fewest) continue;
            (best, fewest) = (Copy(), crossings);
        }
        for (int layer = 0; layer < best.Length; layer++) best[layer].CopyTo(graph.Layers[layer], 0);
        return fewest;
    }

    private int[][] Copy() => [.. graph.Layers.Select(static layer => layer.ToArray())];

    private void Order(int layer, bool isForward)
    {
        int[] places = graph.Layers[layer];
        double[] keys = [.. places.Select(place => Mean(place, isForward) ?? position[place])];
        Place(places, [.. places.Select((_, i) => i).OrderBy(i => keys[i]).Select(i => places[i])]);
    }

    private double? Mean(int place, bool isForward)
    {
        List<Link> links = isForward ? graph.Into(place) : graph.OutOf(place);
        return links.Count == 0 ? null : links.Average(link => position[isForward ? link.From : link.To]);
    }

    private void Place(int[] places, int[] ordered)
    {
        for (int i = 0; i < ordered.Length; i++) (places[i], position[ordered[i]]) = (ordered[i], i);
    }

    /// <summary>Lets two neighbours change places wherever that saves crossings.</summary>
    private void Swap(int layer)
    {
        int[] places = graph.Layers[layer];
        for (int i = 0; i + 1 < places.Length; i++)
        {
            (int above, int below) = (places[i], places[i + 1]);
            if (Between(below, above) >= Between(above, below)) continue;
            (places[i], places[i + 1], position[above], position[below]) = (below, above, i + 1, i);
        }
    }

    /// <summary>How many of their links cross if one place lies above the other.</summary>
    private long Between(int above, int below)
        => Inversions(graph.Into(above).Select(link => position[link.From]), graph.Into(below).Select(link => position[link.From]))
        + Inversions(graph.OutOf(above).Select(link => position[link.To]), graph.OutOf(below).Select(link => position[link.To]));

    private static long Inversions(IEnumerable<int> above, IEnumerable<int> below)
    {
        int[] first = [.. above.Order()], second = [.. below.Order()];
        long crossings = 0;
        for (int i = 0, smaller = 0; i < first.Length; i++)
        {
            while (smaller < second.Length && second[smaller] < first[i]) smaller++;
            crossings += smaller;
        }
        return crossings;
    }

    private long Count()
    {
        long crossings = 0;
        for (int layer = 1; layer < graph.Layers.Length; layer++)
        {
            var tree = new int[graph.Layers[layer].Length + 1];          // a Fenwick tree over the positions of the later layer
            int linked = 0;
            foreach (int place in graph.Layers[layer - 1])
            {
                int[] ends = [.. graph.OutOf(place).Select(link => position[link.To])];
                foreach (int end in ends)
                {
                    crossings += linked;
                    for (int i = end + 1; i > 0; i -= i & -i) crossings -= tree[i];
                }
                foreach (int end in ends)
                {
                    linked++;
                    for (int i = end + 1; i < tree.Length; i += i & -i) tree[i]++;
                }
            }
        }
        return crossings;
    }
}
