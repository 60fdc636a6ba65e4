using System.Diagnostics;
using Sluice.Delivery;
using Sluice.Diagnostics;
using Sluice.Scheduling;

namespace Sluice;

// For producers that answer each sender, such as HTTP: a call waits no longer than its timeout, and an item that was not acknowledged
// in time is not accepted later.
public sealed partial class Consecutor<T>
{
    private Appender<T>? trier;

    /// <summary>Whether accepted items are kept in a store that the options name (<see cref="ConsecutorOptions.Store"/>).</summary>
    public bool HasStore => !ownsStore;

    /// <summary>The serializer for producers that receive items as bytes. It neither compresses nor signs, even if the payloads in the
    /// store are compressed or signed.</summary>
    /// <exception cref="PayloadException">An item would not survive a round trip through its payload. Thrown only without a store; with a
    /// store, the constructor throws it.</exception>
    public IPayloadSerializer<T> Serializer => serializers.Plain.For<T>();

    /// <summary>Sends an item if the stream has room, now or within the time that the options allow. The answer says whether the item is
    /// accepted, as durably as the store is. An item that was refused is never accepted later.</summary>
    /// <remarks>May be called before the start. Concurrent calls without a key share appends; their order is undefined.</remarks>
    /// <param name="item">The item.</param>
    /// <param name="options">An idempotency key, and how long to wait for room.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="InvalidOperationException">The consecutor has no store, or has ended.</exception>
    /// <exception cref="PayloadException">The item cannot be written, is too long, or its key cannot be found.</exception>
    /// <exception cref="StreamStoreException">The store failed for long. The item may or may not have been accepted; with an idempotency
    /// key it can be sent again safely.</exception>
    /// <exception cref="OperationCanceledException">Cancelled while waiting. An item that waited for room is not accepted later. If the
    /// store was being asked at that moment, or had left an earlier try unanswered, the item may be accepted nevertheless.</exception>
    public Task<SendResult> TrySendAsync(T item, SendOptions? options = null, CancellationToken cancellation = default)
    {
        options = (options ?? SendOptions.Default).Checked();
        return options.IdempotencyKey is null ? TrySendOneAsync(item, options, cancellation)
            : TrySendAllAsync([item], options, cancellation);
    }

    /// <summary>Sends several items in one append. They are accepted together and in order, or not at all: they need room for all of them
    /// at once, which a stream that stays full may never have beside senders of single items.</summary>
    /// <inheritdoc cref="TrySendAsync(T, SendOptions, CancellationToken)"/>
    /// <param name="items">The items; at least one. If there are more than the stream's bound, they are accepted once no item is
    /// outstanding.</param>
    /// <param name="options">An idempotency key for all of them, and how long to wait for room.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="ArgumentException">There are no items.</exception>
    /// <exception cref="PayloadException">An item cannot be written, is too long, or its key cannot be found. Its number is in
    /// <see cref="PayloadException.ItemNumber"/> if there are several items.</exception>
    public async Task<SendResult> TrySendAllAsync(IReadOnlyList<T> items, SendOptions? options = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        if (items.Count == 0) throw new ArgumentException("There is nothing to send.", nameof(items));
        options = (options ?? SendOptions.Default).Checked();
        ThrowIfNotStored();
        await OpenToSendAsync(cancellation).ConfigureAwait(false);
        Activity? span = ItemSpans.BeginSend(core.Telemetry, items.Count, out EntryTrace? trace);
        // The append goes on after a cancellation, and still uses its memory.
        Task<SendResult> sending = TellAsync(items.Count, span, AppendAsync);
        _ = sending.Observed();
        return await sending.WaitAsync(cancellation).ConfigureAwait(false);

        async Task<SendResult> AppendAsync()
        {
            using EntryBatch entries = Write(items, trace);
            return await new OnceAppend(core).SendAsync(entries, options, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Sends items, counts them, and ends their span with the outcome.</summary>
    private async Task<SendResult> TellAsync(int items, Activity? span, Func<Task<SendResult>> sendAsync)
    {
        long began = core.Telemetry.BeginOperation();
        string? error = null;
        Exception? failure = null;
        bool isRepeated = false;
        try
        {
            SendResult sent = await sendAsync().ConfigureAwait(false);
            error = sent.Status switch
            {
                SendStatus.Full => ConsecutorTelemetry.Full,
                SendStatus.Conflict => "conflict",
                _ => null,
            };
            isRepeated = sent.Status == SendStatus.Repeated;
            return sent;
        }
        catch (Exception e)
        {
            (failure, error) = (e, TelemetryNames.ErrorOf(e));
            throw;
        }
        finally
        {
            if (!isRepeated) core.Telemetry.Sent(began, items, error);
            if (span is not null)
            {
                if (failure is null && error is not null) Telemetry.Fail(span, error, null);
                Telemetry.End(span, failure);
            }
        }
    }

    private async Task<SendResult> TrySendOneAsync(T item, SendOptions options, CancellationToken cancellation)
    {
        ThrowIfNotStored();
        Appender<T> appender = trier ?? LazyInitializer.EnsureInitialized(ref trier, () => NewOwnAppender("try"));
        long until = options.Until(core.Time);
        await OpenToSendAsync(cancellation).ConfigureAwait(false);
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            var handle = new SendHandle(until);
            try
            {
                if (appender.TryAdd(item, null, default, out Task room, handle) is not { } append)
                {
                    await room.WaitAsync(cancellation).ConfigureAwait(false);
                    continue;
                }
                await handle.WaitAsync(append, cancellation).ConfigureAwait(false);
                return new(SendStatus.Accepted, 1);
            }
            catch (NoRoomException full)
            {
                core.Telemetry.Refused();
                return new(SendStatus.Full, 0) { RetryAfter = full.RetryAfter };
            }
        }
    }

    private void ThrowIfNotStored()
    {
        ThrowIfEnded();
        if (!HasStore)
            throw new InvalidOperationException(
                $"The consecutor {Name} has no store, so nothing that it accepts outlives it, and it remembers no keys. Give it one "
                    + $"(ConsecutorOptions.Store; a MemoryStreamStore in tests), or use SendAsync.");
    }
}
