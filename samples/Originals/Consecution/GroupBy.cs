using Sluice;

namespace Originals.Consecution;

/// <summary>The original: a node is given batches of neighbours that have one key; a new key begins a new batch.</summary>
internal static class GroupBy
{
    public static async Task RunAsync()
    {
        var log = new Log();
        Pipeline pipe = Source.From(Enumerable.Range(0, 16)).GroupBy(item => item / 4) | (batch => batch.Items.Sum()) | log.End("logger");

        await pipe.RunAsync(Log.SingleThread);
        Check.Lines("""
                     logger processing 6
                     logger processing 22
                     logger processing 38
                     logger processing 54
            """, log.Lines);
    }
}
