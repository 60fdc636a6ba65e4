namespace Sluice;

// For producers whose senders are answered one by one, such as HTTP: nothing waits for longer than it is told to, and what was not acknowledged in time is not accepted later.
public sealed partial class Consecutor<T>
{
    private Appender<T>? trier;

    /// <summary>Whether what it accepts is kept in a store (<see cref="ConsecutorOptions.Store"/>).</summary>
    public bool HasStore => !ownsStore;

    /// <summary>How its items are read where they come from: for producers, which make items of bytes that they receive. What the store keeps may be compressed and signed in addition; this is not.</summary>
    /// <exception cref="PayloadException">An item would not come back from its payload as it was; only where there is no store, else it was refused when the consecutor was made.</exception>
    public IPayloadSerializer<T> Serializer => serializers.Plain.For<T>();

    /// <summary>Sends an item, if there is room for it now, or soon. It is accepted, as durably as the store is, when the answer says so; else it is not, and will not be.</summary>
    /// <remarks>May be called before the start. Concurrent calls without a key share appends; the order of concurrent calls is not defined.</remarks>
    /// <param name="item">The item.</param>
    /// <param name="options">A key under which it is accepted once, and how long to wait.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="InvalidOperationException">The consecutor has no store, or has ended.</exception>
    /// <exception cref="PayloadException">The item cannot be written, is too long, or its key cannot be found.</exception>
    /// <exception cref="StreamStoreException">The store failed for long. Whether the item was accepted is not known; under a key it can be sent again safely.</exception>
    /// <exception cref="OperationCanceledException">Cancelled while waiting; the item may have been accepted if its append was under way.</exception>
    public Task<SendResult> TrySendAsync(T item, SendOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= SendOptions.Default;
        return options.IdempotencyKey is null ? TrySendOneAsync(item, options, cancellation) : TrySendAllAsync([item], options, cancellation);
    }

    /// <summary>Sends several items, which are accepted together, in order and in one append, or not at all.</summary>
    /// <inheritdoc cref="TrySendAsync(T, SendOptions, CancellationToken)"/>
    /// <param name="items">The items; at least one. More than the stream's bound are accepted when nothing is outstanding.</param>
    /// <param name="options">A key under which they are accepted once, and how long to wait.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="ArgumentException">There are no items.</exception>
    public async Task<SendResult> TrySendAllAsync(IReadOnlyList<T> items, SendOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        if (items.Count == 0) throw new ArgumentException("There is nothing to send.", nameof(items));
        ThrowIfNotStored();
        await OpenToSendAsync(cancellation).ConfigureAwait(false);
        return await SendOnceAsync().WaitAsync(cancellation).ConfigureAwait(false);          // the append itself goes on, with its memory

        async Task<SendResult> SendOnceAsync()
        {
            IPayloadSerializer<T> serializer = serializers.For<T>();
            using var entries = new EntryBatch { Stream = Name, CodeVersion = core.Options.CodeVersion, MaxEntryBytes = core.MaxEntryBytes };
            foreach (T item in items) entries.Add(serializer, item, ItemKey.Of(item, Key, Name));
            return await new OnceAppend(core).SendAsync(entries, options ?? SendOptions.Default, cancellation).ConfigureAwait(false);
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
            if (appender.TryAdd(item, null, default, out Task room, until) is not { } append)
            {
                await room.WaitAsync(cancellation).ConfigureAwait(false);
                continue;
            }
            try
            {
                await append.WaitAsync(cancellation).ConfigureAwait(false);
                return new(SendStatus.Accepted, 1);
            }
            catch (NoRoomException full)
            {
                // It shared an append with items that could not wait as long as it can.
                if (core.Time.GetTimestamp() >= until) return new(SendStatus.Full, 0) { RetryAfter = full.RetryAfter };
            }
        }
    }

    private void ThrowIfNotStored()
    {
        ThrowIfEnded();
        if (!HasStore)
            throw new InvalidOperationException($"The consecutor {Name} has no store, so nothing that it accepts outlives it, and it remembers no keys. Give it one (ConsecutorOptions.Store; a MemoryStreamStore in tests), or use SendAsync.");
    }
}
