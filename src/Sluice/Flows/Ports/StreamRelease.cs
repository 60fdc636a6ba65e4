namespace Sluice.Flows;

/// <summary>
/// Releases values without readers: a store keeps values that no reader has passed, even after the last reader is closed.
/// </summary>
internal static class StreamRelease
{
    /// <summary>Removes the values of a stream that has ended and has no open readers, unless it keeps them all.</summary>
    /// <remarks>Call it after ending a stream, and after closing a reader of one: the last caller finds that no reader is left.</remarks>
    /// <param name="calls">The store.</param>
    /// <param name="stream">The name of the stream in the store; it may be missing.</param>
    /// <param name="cancellation">Cancels the call.</param>
    public static async Task LetGoAsync(StoreRetrier calls, string stream, CancellationToken cancellation)
    {
        StreamInfo? info = await calls.DoAsync([], () => calls.Store.FindStreamAsync(stream, cancellation), cancellation)
            .ConfigureAwait(false);
        if (info is not { End: not null, Items: > 0, Options.Retention: Retention.UntilRead }
            || info.Readers.Any(reader => reader.Name != ReaderNames.Nobody)) return;
        try
        {
            ReaderInfo nobody = await calls.DoAsync(stream,
                () => calls.Store.OpenReaderAsync(stream, ReaderNames.Nobody, new() { AppliesBackpressure = false }, cancellation),
                    cancellation).ConfigureAwait(false);
            var move = new CursorCommit(stream, ReaderNames.Nobody, 0, nobody.Next[0] + nobody.Backlog);
            await calls.DoAsync(stream, () => calls.Store.MoveReaderAsync(move, cancellation), cancellation).ConfigureAwait(false);
            await calls.DoAsync(stream, () => calls.Store.CloseReaderAsync(stream, ReaderNames.Nobody, cancellation), cancellation)
                .ConfigureAwait(false);
        }
        catch (FlowException)
        {
            // The run was deleted meanwhile, and the stream with it.
        }
    }
}
