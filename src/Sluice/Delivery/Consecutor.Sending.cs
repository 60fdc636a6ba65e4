using System.Runtime.CompilerServices;

namespace Sluice;

public sealed partial class Consecutor<T>
{
    private const int TriesToOpen = 5;
    private static readonly TimeSpan FirstWaitToOpen = TimeSpan.FromMilliseconds(20);

    private Task? opening;                           // by whoever sends first; under the lock

    /// <summary>Sends an item. It is accepted, as durably as the store is, when the task completes. Waits while the stream is full.</summary>
    /// <remarks>May be called before the start. Concurrent calls share appends; the order of concurrent calls is not defined.</remarks>
    /// <exception cref="PayloadException">The item cannot be written, or is too long.</exception>
    /// <exception cref="StreamStoreException">The store failed for long. Whether the item was accepted is not known.</exception>
    /// <exception cref="OperationCanceledException">Cancelled while waiting; the item may have been accepted if its append was under way.</exception>
    public ValueTask SendAsync(T item, CancellationToken cancellation = default)
    {
        if (local is not null || cancellation.CanBeCanceled || !core.IsOpen) return SendOrWaitAsync(item, cancellation);
        try
        {
            return Sender.TryAdd(item, null, default, out _) is { } append ? new(append) : SendOrWaitAsync(item, cancellation);
        }
        catch (Exception e)
        {
            return ValueTask.FromException(e);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendOrWaitAsync(T item, CancellationToken cancellation)
        => await (await AddAsync(item, cancellation).ConfigureAwait(false)).WaitAsync(cancellation).ConfigureAwait(false);

    /// <summary>Sends several items, in order, in as few appends as possible; all are accepted when the task completes.</summary>
    /// <inheritdoc cref="SendAsync(T, CancellationToken)"/>
    public async ValueTask SendAllAsync(IReadOnlyList<T> items, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        if (local is not null)
        {
            foreach (T item in items) await AddAsync(item, cancellation).ConfigureAwait(false);
            return;
        }
        await OpenToSendAsync(cancellation).ConfigureAwait(false);

        // Not awaited one by one: each append would have one item then, that which was added while the one before was under way.
        List<Task> appends = [];
        PayloadException? unwritable = null;
        for (int at = 0; at < items.Count;)
        {
            cancellation.ThrowIfCancellationRequested();
            Appender<T> appender = Sender;
            Task room = Task.CompletedTask;
            try
            {
                if (appender.TryAddSome(items, ref at, out room) is { } append) appends.Add(append);
            }
            catch (Exception e)
            {
                unwritable = new($"Item {at + 1} of {items.Count} cannot be sent: {e.Message} The {at} before it are accepted; it and those behind it are not.", e);
                break;
            }
            if (at < items.Count) await room.WaitAsync(cancellation).ConfigureAwait(false);
        }
        foreach (Task append in appends) await append.WaitAsync(cancellation).ConfigureAwait(false);
        if (unwritable is not null) throw unwritable;
    }

    internal Appender<T> NewAppender(string producer) => new(core, producer, Key);

    /// <summary>An appender under a name that begins with the member's. If the member's name is that of this process only, the store forgets the producer.</summary>
    internal Appender<T> NewOwnAppender(string suffix)
    {
        string producer = $"{Member}/{suffix}";
        Appender<T> appender = NewAppender(producer);
        if (ownsStore || !core.Options.IsMemberUnique) return appender;
        appender.IsEphemeral = true;
        lock (sync) own[producer] = appender;
        return appender;
    }

    // Only saves the store a row for a day: a store that is slow to answer need not be waited for.
    private static readonly TimeSpan MaxFarewell = TimeSpan.FromSeconds(2);

    private async Task EndSendersAsync()
    {
        Appender<T>[] all;
        lock (sync) all = [.. own.Values];
        if (all.Length > 0)
        {
            core.GiveUpWithin(core.Options.LeaseDuration < MaxFarewell ? core.Options.LeaseDuration : MaxFarewell);
            await Task.WhenAll(all.Select(appender => appender.EndAsync(core.GivenUp))).WaitAsync(core.GivenUp).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        core.StopWaiting();
    }

    /// <summary>A number for a producer that does not resume, so that names do not grow in number.</summary>
    internal int RentProducer()
    {
        lock (sync)
        {
            int number = 1;
            while (!producers.Add(number)) number++;
            return number;
        }
    }

    internal void ReturnProducer(int number)
    {
        lock (sync) producers.Remove(number);
    }

    private Appender<T> Sender
    {
        get
        {
            ThrowIfEnded();
            return sender ?? LazyInitializer.EnsureInitialized(ref sender, () => NewOwnAppender("send"));
        }
    }

    internal void ThrowIfEnded()
    {
        if (core.Life.IsCancellationRequested) throw core.Over();
        if (local is not null && core.IsInputComplete) throw new InvalidOperationException(AppendAnswer.InputIsComplete(Name));          // else the store says so
    }

    /// <returns>The append that the item is part of.</returns>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<Task> AddAsync(T item, CancellationToken cancellation)
    {
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            if (local is not null)
            {
                ThrowIfEnded();
                if (local.TryAdd(item) is not { } full) return Task.CompletedTask;
                await local.WaitAsync(full, cancellation).ConfigureAwait(false);
                continue;
            }
            if (!core.IsOpen) await OpenToSendAsync(cancellation).ConfigureAwait(false);
            if (Sender.TryAdd(item, null, default, out Task room) is { } append) return append;
            await room.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Before anything is sent, so that each item is checked against the limit that the stream has: one that is too long is refused alone, and not with those that share its append. All senders that come meanwhile share the call.
    /// </summary>
    private ValueTask OpenToSendAsync(CancellationToken cancellation)
    {
        if (core.IsOpen || local is not null) return default;
        ThrowIfEnded();
        Task begun;
        lock (sync)
        {
            if (opening is null or { IsFaulted: true } or { IsCanceled: true }) opening = OpenInsistentlyAsync();
            begun = opening;
        }
        return new(begun.WaitAsync(cancellation));
    }

    private async Task OpenInsistentlyAsync()
    {
        TimeSpan wait = FirstWaitToOpen;
        for (int tried = 1; ; tried++, wait *= 2)
        {
            try
            {
                await core.OpenAsync(core.Life).ConfigureAwait(false);
                return;
            }
            catch (StreamStoreException) when (tried < TriesToOpen && !core.Life.IsCancellationRequested)
            {
                await Task.Delay(wait, core.Time, core.Life).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException) when (core.Life.IsCancellationRequested)
            {
                throw core.Over();
            }
            catch (ObjectDisposedException closed)
            {
                core.EndIfClosed(closed);
                throw core.StoreClosed(closed);
            }
        }
    }
}
