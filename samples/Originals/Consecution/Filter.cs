using Sluice;

namespace Originals.Consecution;

/// <summary>The original: a node filters by pushing only some of its items.</summary>
internal static class Filter
{
    private sealed class FilterNode : StageNode<int, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
            => item > 3 ? output.PushAsync(item) : default;
    }

    public static async Task RunAsync()
    {
        const string Expected = """
                  extractor processing 0
                  extractor processing 1
                  extractor processing 2
                  extractor processing 3
                  extractor processing 4
                     loader processing 4
                  extractor processing 5
                     loader processing 5
            """;
        var log = new Log();
        Pipeline pipe = Source.From(Enumerable.Range(0, 6)) | log.Node("extractor") | StageNode.Of(() => new FilterNode())
            | log.End("loader");
        await pipe.RunAsync(Log.SingleThread);
        Check.Lines(Expected, log.Lines);

        // The operator for it.
        log = new Log();
        pipe = (Source.From(Enumerable.Range(0, 6)) | log.Node("extractor")).Where(item => item > 3) | log.End("loader");
        await pipe.RunAsync(Log.SingleThread);
        Check.Lines(Expected, log.Lines);
    }
}
