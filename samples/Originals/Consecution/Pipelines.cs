using Sluice;

namespace Originals.Consecution;

/// <summary>The original: nodes are joined by pipe symbols; the pipeline prints its topology, and consumes an iterable.</summary>
internal static class Pipelines
{
    public static async Task RunAsync()
    {
        var log = new Log();
        Pipeline pipe = Source.From(Enumerable.Range(0, 3)) | Stage.Named("numbers") | log.Node("extract") | log.Node("transform")
            | log.End("load");

        Check.Equal("numbers | extract | transform | load", pipe.Topology.ToText().Trim(), "the topology");

        await pipe.RunAsync(Log.SingleThread);                // pipe.consume(range(3))
        Check.Lines("""
                    extract processing 0
                  transform processing 0
                       load processing 0
                    extract processing 1
                  transform processing 1
                       load processing 1
                    extract processing 2
                  transform processing 2
                       load processing 2
            """, log.Lines);
    }
}
