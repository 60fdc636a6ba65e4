using Sluice;

namespace Originals.Consecution;

/// <summary>The original: a node maps by pushing something else than it was given. Ours is a function.</summary>
internal static class Map
{
    public static async Task RunAsync()
    {
        var log = new Log();
        Pipeline pipe = Source.From(Enumerable.Range(0, 3)) | log.Node("extractor") | (item => 2 * item) | log.End("loader");

        await pipe.RunAsync(Log.SingleThread);
        Check.Lines("""
                  extractor processing 0
                     loader processing 0
                  extractor processing 1
                     loader processing 2
                  extractor processing 2
                     loader processing 4
            """, log.Lines);
    }
}
