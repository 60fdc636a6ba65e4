namespace Sluice;

/// <summary>Lets go of what nobody is left to read: a store keeps what no reader has passed, also when the last reader is gone.</summary>
internal static class StreamRelease
{
    /// <summary>If a stream has ended and all its readers are closed, its values leave the store; unless it keeps them all.</summary>
    /// <remarks>Whoever ends a stream calls it behind that, and whoever closes a reader of one behind that: the last of them finds that nobody is left.</remarks>
    /// <param name="calls">The store.</param>
    /// <param name="stream">The stream, by its name in the store. Nothing happens if it is not there.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task LetGoAsync(StoreRetrier calls, string stream, CancellationToken cancellation)
    {
        StreamInfo? info = await calls.DoAsync([], () => calls.Store.FindStreamAsync(stream, cancellation), cancellation).ConfigureAwait(false);
        if (info is not { End: not null, Items: > 0, Options.Retention: Retention.UntilRead } || info.Readers.Any(reader => reader.Name != ReaderNames.Nobody)) return;
        try
        {
            ReaderInfo nobody = await calls.DoAsync(stream, () => calls.Store.OpenReaderAsync(stream, ReaderNames.Nobody, new() { AppliesBackpressure = false }, cancellation), cancellation).ConfigureAwait(false);
            var move = new CursorCommit(stream, ReaderNames.Nobody, 0, nobody.Next[0] + nobody.Backlog);
            await calls.DoAsync(stream, () => calls.Store.MoveReaderAsync(move, cancellation), cancellation).ConfigureAwait(false);
            await calls.DoAsync(stream, () => calls.Store.CloseReaderAsync(stream, ReaderNames.Nobody, cancellation), cancellation).ConfigureAwait(false);
        }
        catch (FlowException)
        {
            // The run was deleted meanwhile, and the stream with it.
        }
    }
}
