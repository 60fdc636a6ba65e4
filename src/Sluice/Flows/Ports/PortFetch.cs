namespace Sluice.Flows;

/// <summary>Fetches values of an input stream from the store.</summary>
internal static class PortFetch
{
    private const int MaxItems = 256;
    private const int MaxBytes = 1 << 20;

    public static async ValueTask<(ReadOnlyMemory<Entry> Values, long Next)> FetchAsync(InputPort port, PortReader reader, long next,
        CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, port.Life);
        cancellation = either.Token;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            long seen = await port.Calls.DoAsync(port.Stream, () => port.Store.WaitForChangeAsync(port.Stream, -1, cancellation),
                cancellation).ConfigureAwait(false);
            var request = new ReadRequest(port.Stream, 0, next) { MaxItems = MaxItems, MaxBytes = MaxBytes, Reader = port.Keeper };
            ReadResult result;
            try
            {
                result = await port.Calls.DoAsync(port.Stream, () => port.Store.ReadAsync(request, cancellation), cancellation)
                    .ConfigureAwait(false);
            }
            catch (StreamStoreException e) when (e.IsPermanent)
            {
                throw new FlowException($"The stream {port.Name} cannot be read any further: {e.Message}", e);
            }
            if (result.Missed > 0)
            {
                StreamInfo? stream = await port.Calls.DoAsync(port.Stream, () => port.Store.FindStreamAsync(port.Stream, cancellation),
                    cancellation).ConfigureAwait(false);
                if (stream?.End is { Failure: not null } failed) port.SeeEnd(failed);          // more than what is gone
                throw port.Gone(next, result.Missed);
            }
            if (result.Entries.Length > 0)
            {
                await port.TakeAsync().ConfigureAwait(false);
                await port.MoveAsync(isWaiting: false, cancellation).ConfigureAwait(false);
                return (result.Entries, result.Next);
            }
            if (result.End is { } end)
            {
                reader.End();
                port.SeeEnd(end);
                await port.MoveAsync(isWaiting: true, cancellation).ConfigureAwait(false);
                return (default, next);
            }
            await port.MoveAsync(isWaiting: true, cancellation).ConfigureAwait(false);
            await using (await port.RestAsync(keepsSlot: reader.IsMerged, cancellation).ConfigureAwait(false))
            {
                Task changed = port.Calls.WaitForChangeAsync(port.Stream, seen, cancellation);
                if (port.OnWaiting is { } told) await told(changed, reader.IsMerged).ConfigureAwait(false);
                await changed.ConfigureAwait(false);
            }
        }
    }
}
