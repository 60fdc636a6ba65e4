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
