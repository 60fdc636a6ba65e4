using Sluice;

namespace Originals.Consecution;

/// <summary>The original: a function wires nodes that it is given, so that one topology serves several purposes.</summary>
internal static class Plugins
{
    private sealed class Fold(int start, Func<int, int, int> combine) : StageNode<int, int>
    {
        private int result = start;

        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            result = combine(result, item);
            return default;
        }

        protected override ValueTask EndAsync(Output<int> output, CancellationToken cancellation) => output.PushAsync(result);
    }

    private static Pipe<int, int> PipelineFactory(Func<StageNode<int, int>> logNode, Func<StageNode<int, int>> aggNode)
        => Pipe.Of<int>()
            | StageNode.Of(logNode) | Stage.Named("extractor")
            | StageNode.Of(aggNode) | Stage.Named("aggregator")
            | StageNode.Of(logNode) | Stage.Named("result_logger");

    public static async Task RunAsync()
    {
        List<string> lines = [];
        Pipe<int, int> sum = PipelineFactory(() => new LogNode<int>(lines, -15), () => new Fold(0, (a, b) => a + b));
        Pipe<int, int> product = PipelineFactory(() => new LogNode<int>(lines), () => new Fold(1, (a, b) => a * b));

        lines.Add("aggregate with sum, left justified");
        await (Source.From(Enumerable.Range(1, 4)) | sum | (_ => { })).RunAsync(Log.SingleThread);
        lines.Add("aggregate with product, right justified");
        await (Source.From(Enumerable.Range(1, 4)) | product | (_ => { })).RunAsync(Log.SingleThread);

        Check.Lines("""
            aggregate with sum, left justified
            extractor       processing 1
            extractor       processing 2
            extractor       processing 3
            extractor       processing 4
            result_logger   processing 10
            aggregate with product, right justified
                  extractor processing 1
                  extractor processing 2
                  extractor processing 3
                  extractor processing 4
              result_logger processing 24
            """, lines);
    }
}
