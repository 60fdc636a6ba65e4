using Sluice;

namespace Originals.Consecution;

/// <summary>The original: all nodes begin in the order of the pipeline before the first item; a node ends after its last item, and after
/// its parents have ended.</summary>
internal static class LocalState
{
    private sealed class SummingNode(List<string> lines) : StageNode<int, int>
    {
        private int sum;

        protected override ValueTask BeginAsync(CancellationToken cancellation)
        {
            lines.Add($"{Name}.begin()");
            return default;
        }

        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            lines.Add($"{Name,15} processing {item}");
            sum += item;
            return output.PushAsync(item);
        }

        protected override ValueTask EndAsync(Output<int> output, CancellationToken cancellation)
        {
            lines.Add($"sum = {sum} in {Name}.end()");
            return default;
        }
    }

    public static async Task RunAsync()
    {
        List<string> lines = [];
        Pipe<int, int> LogNode(string name) => Pipe.Of<int>() | StageNode.Of(() => new SummingNode(lines)) | Stage.Named(name);

        Pipeline pipe = Source.From(Enumerable.Range(0, 4))
            | LogNode("extract")
            | [LogNode("transform_even"), LogNode("transform_odd"), Route.By(Routing.Parity)]
            | LogNode("load")
            | (_ => { });

        await pipe.RunAsync(Log.SingleThread);
        Check.Lines("""
            extract.begin()
            transform_even.begin()
            transform_odd.begin()
            load.begin()
                    extract processing 0
             transform_even processing 0
                       load processing 0
                    extract processing 1
              transform_odd processing 1
                       load processing 1
                    extract processing 2
             transform_even processing 2
                       load processing 2
                    extract processing 3
              transform_odd processing 3
                       load processing 3
            sum = 6 in extract.end()
            sum = 2 in transform_even.end()
            sum = 4 in transform_odd.end()
            sum = 6 in load.end()
            """, lines);
    }
}
