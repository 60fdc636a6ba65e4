using Sluice;

namespace Originals.Consecution;

/// <summary>The original: a function among the nodes of a list returns the name of the node that an item goes to.</summary>
internal static class Routing
{
    internal static string Parity(int item) => item % 2 == 0 ? "transform_even" : "transform_odd";

    public static async Task RunAsync()
    {
        var log = new Log();
        Pipeline pipe = Source.From(Enumerable.Range(0, 4))
            | log.Node("extract")
            | [log.End("transform_even"), log.End("transform_odd"), Route.By(Parity)];

        await pipe.RunAsync(Log.SingleThread);
        Check.Lines("""
                    extract processing 0
             transform_even processing 0
                    extract processing 1
              transform_odd processing 1
                    extract processing 2
             transform_even processing 2
                    extract processing 3
              transform_odd processing 3
            """, log.Lines);
    }
}
