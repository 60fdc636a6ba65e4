using Sluice.Topologies;

namespace Sluice.Tests.Topologies;

/// <summary>Topologies that several tests use.</summary>
internal static class Graphs
{
    internal static Topology Airports()
    {
        var builder = new TopologyBuilder("airports");
        builder.Add("source", hint: "airports", output: typeof(string[]));
        builder.Add("many", hint: "AllPairs", input: typeof(string[]), output: typeof((string, string)));
        builder.Add("map", hint: "Geocode", input: typeof((string, string)), output: typeof(string), details: ["parallel 8", "retry 3"]);
        builder.Add("map", hint: "Distance", input: typeof(string), output: typeof(double));
        builder.Add("sink", hint: "ToDatabase", input: typeof(double));
        builder.Add("sink", hint: "ToFile", input: typeof(double));
        for (var i = 0; i < 4; i++) builder.Connect(i, i + 1);
        builder.Connect(3, 5);
        return builder.Build();
    }

    /// <summary>A random graph: most edges lead a short way, some a long one; some have ports and labels.</summary>
    internal static Topology Random(int seed, int nodes)
    {
        var random = new Random(seed);
        var builder = new TopologyBuilder(seed % 3 == 0 ? $"graph {seed}" : null);
        for (int i = 0; i < nodes; i++)
        {
            string name = new((char)('a' + random.Next(26)), random.Next(1, seed % 7 == 0 ? 60 : 14));
            builder.Add("step", $"{name} {i}", details: [.. Enumerable.Repeat("parallel 8", random.Next(3))]);
        }
        double density = 0.4 + random.NextDouble();
        for (int edge = 0; edge < nodes * density && nodes > 1; edge++)
        {
            int from = random.Next(nodes - 1);
            int to = from + 1 + (random.Next(5) == 0 ? random.Next(nodes - from - 1) : random.Next(Math.Min(4, nodes - from - 1)));
            builder.Connect(from, to, $"out {edge}");
        }
        return builder.Build(open: true);
    }

    internal static Topology Chain(int count)
    {
        var builder = new TopologyBuilder();
        for (var i = 0; i < count; i++) builder.Add("map");
        for (var i = 1; i < count; i++) builder.Connect(i - 1, i);
        return builder.Build();
    }

    /// <summary>A chain of diamonds: every merge has two inputs.</summary>
    internal static Topology Ladder(int count)
    {
        var builder = new TopologyBuilder();
        var last = builder.Add("source");
        while (builder.Count < count)
        {
            var (left, right, merge) = (builder.Add("map"), builder.Add("map"), builder.Add("merge"));
            builder.Connect(last, left, "left");
            builder.Connect(last, right, "right");
            builder.Connect(left, merge);
            builder.Connect(right, merge);
            last = merge;
        }

        return builder.Build();
    }

    /// <summary>Nested fan-outs: the deepest possible tree.</summary>
    internal static Topology Comb(int count)
    {
        var builder = new TopologyBuilder();
        var last = builder.Add("source");
        while (builder.Count < count)
        {
            var (tooth, next) = (builder.Add("sink"), builder.Add("map"));
            builder.Connect(last, tooth);
            builder.Connect(last, next);
            last = next;
        }

        return builder.Build();
    }
}
