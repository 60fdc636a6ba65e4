using Sluice;

namespace Originals.Consecution;

/// <summary>The original: a node reduces by adding up in begin and process, and pushing the result from its end.</summary>
internal static class Reduce
{
    private sealed class Reducer : StageNode<int, int>
    {
        private int result;

        protected override ValueTask BeginAsync(CancellationToken cancellation)
        {
            result = 0;
            return default;
        }

        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            result += item;
            return default;
        }

        protected override ValueTask EndAsync(Output<int> output, CancellationToken cancellation) => output.PushAsync(result);
    }

    public static async Task RunAsync()
    {
        const string Expected = """
                  extractor processing 0
                  extractor processing 1
                  extractor processing 2
                     loader processing 3
            """;
        var log = new Log();
        Pipeline pipe = Source.From(Enumerable.Range(0, 3)) | log.Node("extractor") | StageNode.Of(() => new Reducer()) | log.End("loader");
        await pipe.RunAsync(Log.SingleThread);
        Check.Lines(Expected, log.Lines);

        // The operator for it.
        log = new Log();
        pipe = (Source.From(Enumerable.Range(0, 3)) | log.Node("extractor")).Aggregate(0, (sum, item) => sum + item) | log.End("loader");
        await pipe.RunAsync(Log.SingleThread);
        Check.Lines(Expected, log.Lines);
    }
}
