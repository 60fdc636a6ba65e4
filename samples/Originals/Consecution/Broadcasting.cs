using Sluice;

namespace Originals.Consecution;

/// <summary>The original: a node that is piped into a list sends every item to each node of the list.</summary>
internal static class Broadcasting
{
    public static async Task RunAsync()
    {
        var log = new Log();
        Pipeline pipe = Source.From(Enumerable.Range(0, 2))
            | log.Node("extract")
            | log.Node("transform")
            | [log.End("load_redis"), log.End("load_postgres"), log.End("load_mongo")];

        await pipe.RunAsync(Log.SingleThread);
        Check.Lines("""
                    extract processing 0
                  transform processing 0
                 load_redis processing 0
              load_postgres processing 0
                 load_mongo processing 0
                    extract processing 1
                  transform processing 1
                 load_redis processing 1
              load_postgres processing 1
                 load_mongo processing 1
            """, log.Lines);
    }
}
