using Sluice;

namespace Originals.Consecution;

/// <summary>
/// The original's first README: producer &lt; [node1 | node2, node3 | node4] &gt; node5, the same with a function that routes, and the same
/// as statements:
/// branch1 = node1 | node2, producer | broadcast(branch1, branch2), merge(branch1, branch2) | node5.
/// </summary>
internal static class Composition
{
    private static int Node1(int n) => n + 1;

    private static int Node2(int n) => n * 10;

    private static int Node3(int n) => n + 2;

    private static int Node4(int n) => n * 100;

    private static string Node5(int n) => $"<{n}>";

    private static int RouteFunc(int n) => n % 2;

    public static async Task RunAsync()
    {
        Source<int> producer = Source.From([1, 2, 3]);
        var branch1 = Pipe.Of<int>() | Node1 | Node2;
        var branch2 = Pipe.Of<int>() | Node3 | Node4;

        Source<string> dag = producer < [branch1, branch2] > Node5;
        Check.Sequence(["<20>", "<300>", "<30>", "<400>", "<40>", "<500>"], await dag.ToListAsync(Log.SingleThread), "what is broadcast");

        Source<string> routed = producer < Route.By(RouteFunc, branch1, branch2) > Node5;
        Check.Sequence(["<300>", "<30>", "<500>"], await routed.ToListAsync(Log.SingleThread), "what is routed");

        // producer | broadcast(branch1, branch2), and merge(branch1, branch2) | node5, as values.
        Pipe<int, string> merge = Pipe.Merge(branch1, branch2) | Node5;
        Check.Sequence(["<20>", "<300>", "<30>", "<400>", "<40>", "<500>"], await (producer | merge).ToListAsync(Log.SingleThread),
            "what two pipes make");

        // Branches as statements of their own: the producer is shared, and makes its items once.
        Source<int> shared = producer.Share();
        Source<int> first = shared | Node1 | Node2;
        Source<int> second = shared | Node3 | Node4;
        Source<string> merged = Source.Merge(first, second) | Node5;
        Check.Sequence(["<20>", "<300>", "<30>", "<400>", "<40>", "<500>"], (await merged.ToListAsync()).Order(StringComparer.Ordinal),
            "what is merged");

        // The utilities: Route without a function takes turns; Merge joins sources; Chunk makes lists.
        Source<int> inTurn = producer | Pipe.RoundRobin(branch1, branch2);
        Check.Sequence([20, 400, 40], await inTurn.ToListAsync(Log.SingleThread), "what goes round");
        List<int[]> chunks = await Source.Concat(producer, producer).Chunk(4).ToListAsync(Log.SingleThread);
        Check.Sequence([4, 2], chunks.Select(chunk => chunk.Length), "the sizes of chunks");
        Check.Equal(6, (await Source.Merge(producer, producer).ToListAsync()).Count, "the number of merged items");
    }
}
