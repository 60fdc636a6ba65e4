using Sluice;

namespace Originals.Consecution;

/// <summary>The original: a list that is piped into a node merges what comes out of the nodes of the list.</summary>
internal static class Merging
{
    public static async Task RunAsync()
    {
        var log = new Log();
        Pipeline pipe = Source.From(Enumerable.Range(0, 4))
            | log.Node("extract")
            | [log.Node("transform_even"), log.Node("transform_odd"), Route.By(Routing.Parity)]
            | log.End("load");

        await pipe.RunAsync(Log.SingleThread);
        Check.Lines("""
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
            """, log.Lines);
    }
}
