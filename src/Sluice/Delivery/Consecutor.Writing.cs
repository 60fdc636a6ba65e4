using System.ComponentModel;
using System.Diagnostics;
using Sluice.Delivery;
using Sluice.Diagnostics;

namespace Sluice;

public sealed partial class Consecutor<T>
{
    private volatile bool hasWrittenEntries;         // so there may be items of which nothing here is told before it starts

    /// <summary>For packages that bring items into a store in a way of their own, such as in the caller's transaction: opens the stream,
    /// writes items as the entries that <see cref="SendAsync(T, CancellationToken)"/> would append, and has a function send them. Metrics
    /// and traces have the outcome of the function.</summary>
    /// <param name="items">The items.</param>
    /// <param name="sendAsync">Sends the entries. They are disposed when it has ended.</param>
    /// <param name="cancellation">Gives up waiting for the store before the items are written.</param>
    /// <returns>The result of the function.</returns>
    /// <exception cref="InvalidOperationException">The consecutor has no store, or has ended.</exception>
    /// <exception cref="PayloadException">An item cannot be written, is too long, or its key cannot be found.</exception>
    /// <exception cref="StreamStoreException">The store failed for long.</exception>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public async Task<SendResult> SendEntriesAsync(IReadOnlyList<T> items, Func<EntryBatch, Task<SendResult>> sendAsync,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        ArgumentNullException.ThrowIfNull(sendAsync);
        ThrowIfNotStored();
        await OpenToSendAsync(cancellation).ConfigureAwait(false);
        Activity? span = ItemSpans.BeginSend(core.Telemetry, items.Count, out EntryTrace? trace);
        return await TellAsync(items.Count, span, WriteAsync).ConfigureAwait(false);

        async Task<SendResult> WriteAsync()
        {
            using EntryBatch entries = Write(items, trace);
            core.Doubts.Add();                       // the ledger does not see when they are accepted
            hasWrittenEntries = true;
            return await sendAsync(entries).ConfigureAwait(false);
        }
    }

    /// <summary>Writes items as the entries of one append; the caller disposes them.</summary>
    /// <exception cref="PayloadException">An item cannot be written, is too long, or its key cannot be found. The exception has its
    /// number.</exception>
    private EntryBatch Write(IReadOnlyList<T> items, EntryTrace? trace)
    {
        var entries = new EntryBatch
        {
            Stream = Name,
            CodeVersion = core.Options.CodeVersion,
            MaxEntryBytes = core.Stream.MaxEntryBytes,
            IsOfItem = true
        };
        try
        {
            IPayloadSerializer<T> serializer = serializers.For<T>();
            foreach (T item in items) EntryHeaders.Add(entries, serializer, item, ItemKey.Of(item, Key, Name), null, trace);
            return entries;
        }
        catch (PayloadException e) when (items.Count > 1)
        {
            int number = entries.Count + 1;
            entries.Dispose();
            // Its own cause, and at its end its own text: senders outside of the service do not see what user code has said.
            throw new PayloadException($"Item {number} of {items.Count}: {e.Message}", e.InnerException)
            {
                IsTooLong = e.IsTooLong,
                ItemNumber = number
            };
        }
        catch (Exception)
        {
            entries.Dispose();
            throw;
        }
    }
}
