using Sluice;

namespace Payments.Serving;

/// <summary>Says that a store is one of payments: a stream without entries, made before all others.</summary>
internal static class StoreMark
{
    private const string Stream = "payments-sample";

    /// <summary>Marks a new store; looks for the mark in another.</summary>
    /// <exception cref="UserMistake">It is the store of another program.</exception>
    public static async Task CheckAsync(IStreamStore store, string path)
    {
        var streams = await store.ListStreamsAsync();
        if (streams.Contains(Stream)) return;
        if (streams.Count > 0) throw new UserMistake($"--store {path} is the store of another program: it has {string.Join(", ", streams.Take(3))}. Name another file.");
        await store.OpenStreamAsync(Stream, new StreamOptions { Partitions = 1 });
    }
}
