using System.ComponentModel;
using System.Diagnostics;
using Sluice.Delivery;
using Sluice.Diagnostics;

namespace Sluice;

public sealed partial class Consecutor<T>
{
    private volatile bool hasWrittenEntries;         // so there may be items of which nothing here is told before it starts

    /// <summary>For packages that bring items into a store in a way of their own, such as in the caller's transaction: opens the stream,
    /// and writes items as the entries that <see cref="SendAsync(T, CancellationToken)"/> would append. Nothing is accepted.</summary>
    /// <returns>The entries; the caller disposes them.</returns>
    /// <exception cref="InvalidOperationException">The consecutor has no store, or has ended.</exception>
    /// <exception cref="PayloadException">An item cannot be written, is too long, or its key cannot be found.</exception>
    /// <exception cref="StreamStoreException">The store failed for long.</exception>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public async ValueTask<EntryBatch> WriteEntriesAsync(IReadOnlyList<T> items, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        ThrowIfNotStored();
        await OpenToSendAsync(cancellation).ConfigureAwait(false);
        Activity? span = ItemSpans.BeginSend(core.Telemetry, items.Count, out EntryTrace? trace);
        var entries = new EntryBatch
        {
            Stream = Name,
            CodeVersion = core.Options.CodeVersion,
            MaxEntryBytes = core.Stream.MaxEntryBytes,
            IsOfItem = true
        };
        Exception? failure = null;
        try
        {
            IPayloadSerializer<T> serializer = serializers.For<T>();
            foreach (T item in items) EntryHeaders.Add(entries, serializer, item, ItemKey.Of(item, Key, Name), null, trace);
            core.Doubts.Add();                       // the ledger does not see when they are accepted
            hasWrittenEntries = true;
            return entries;
        }
        catch (Exception e)
        {
            failure = e;
            entries.Dispose();
            throw;
        }
        finally
        {
            if (span is not null) Telemetry.End(span, failure);
        }
    }
}
