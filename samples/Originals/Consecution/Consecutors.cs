using Sluice;

namespace Originals.Consecution;

/// <summary>
/// The original's first README: producer | consecutor; a node writes to an output of its consecutor by name; outputs of several consecutors
/// are merged
/// into another: [cons2.output['a'], cons3.output['b']] &gt; cons4, cons4.output['a'] | cons5.
/// </summary>
internal static class Consecutors
{
    private sealed class MyNode : StageNode<int, int>
    {
        public NamedOutput<int> MyOutput { get; } = new("my_output");

        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
            => item < 0 ? output.PushAsync(MyOutput, item) : output.PushAsync(item);
    }

    public static async Task RunAsync()
    {
        await using var store = new MemoryStreamStore();
        var options = new ConsecutorOptions { Store = store };
        List<int> last = [], refused = [];

        await using var cons1 = new Consecutor<int>("cons1", source => source
            | StageNode.Of(() => new MyNode()) | Stage.Named("node0")
            | [Sink.Output<int>("a"), Sink.Output<int>("b")], options);
        await using var cons2 = new Consecutor<int>("cons2", source => source | (n => n + 1) | Sink.Output<int>("a"), options);
        await using var cons3 = new Consecutor<int>("cons3", source => source | (n => n * 10) | Sink.Output<int>("b"), options);
        await using var cons4 = new Consecutor<int>("cons4", source => source | (n => n) | Sink.Output<int>("a"), options);
        await using var cons5 = new Consecutor<int>("cons5", source => source | last.Add, options);
        await using var others = new Consecutor<int>("others", source => source | refused.Add, options);
        cons1.Output<int>("a").To(cons2);
        cons1.Output<int>("b").To(cons3);
        cons1.Output<int>("my_output").To(others);
        cons4.From([cons2.Output<int>("a"), cons3.Output<int>("b")]);
        cons4.Output<int>("a").To(cons5);
        foreach (Consecutor<int> each in new[] { others, cons5, cons4, cons3, cons2, cons1 }) await each.StartAsync();

        await (Source.From([1, -5, 2]) | cons1).RunAsync();             // producer | consecutor
        foreach (Consecutor<int> each in new[] { cons1, cons2, cons3, cons4, cons5, others }) await each.WaitForIdleAsync();

        Check.Sequence([2, 3, 10, 20], last.Order(), "what reaches cons5");
        Check.Sequence([-5], refused, "what is written to my_output");
    }
}
