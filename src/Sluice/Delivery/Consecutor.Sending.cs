using System.Runtime.CompilerServices;
using Sluice.Delivery;
using Sluice.Diagnostics;
using Sluice.Membership;
using Sluice.Scheduling;

namespace Sluice;

public sealed partial class Consecutor<T>
{
    private const int TriesToOpen = 5;
    private static readonly TimeSpan FirstWaitToOpen = TimeSpan.FromMilliseconds(20);

    private Task? opening;                           // begun by the first sender; under the lock
    private int senderNumber;                        // of this object under the default member's name; 0: none yet; under the lock

    /// <summary>Sends an item. When the task completes, the item is accepted, as durably as the store is. Waits while the stream is
    /// full.</summary>
    /// <remarks>May be called before the start. Concurrent calls share appends; their order is undefined.</remarks>
    /// <exception cref="PayloadException">The item cannot be written, or is too long.</exception>
    /// <exception cref="StreamStoreException">The store failed for long: five tries, each of which waits as long as a call of the store.
    /// For a server that does not answer that is about a minute by default; pass a token to wait less. The item may or may not have been
    /// accepted.</exception>
    /// <exception cref="OperationCanceledException">Cancelled while waiting. An item that waited for room is not accepted later. If the
    /// store was being asked at that moment, or had left an earlier try unanswered, the item may be accepted nevertheless.</exception>
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
    {
        SendHandle? handle = local is null ? SendHandle.For(cancellation) : null;
        Task append = await (core.IsOpen || local is not null ? AddAsync(item, handle, cancellation)
            : AddFirstAsync(item, handle, cancellation)).ConfigureAwait(false);
        await (handle is null ? append : handle.WaitAsync(append, cancellation)).ConfigureAwait(false);
    }

    /// <summary>Adds an item while the stream is opened: the send counts from here on, for those who wait for all sends.</summary>
    private async ValueTask<Task> AddFirstAsync(T item, SendHandle? handle, CancellationToken cancellation)
    {
        core.Sends.BeginAppend();
        try
        {
            return await AddAsync(item, handle, cancellation).ConfigureAwait(false);
        }
        finally
        {
            core.Sends.EndAppend();
        }
    }

    internal void Warn(string text) => core.Lifetime.Warn(text);

    // Before the start. Later, slow items are no mistake: see WarnOfStandstill.
    private bool WarnOfWaitingSends()
    {
        if (State == ConsecutorStatus.Created && core.Sends.Problem(ConsecutorStatus.Created) is { } problem)
            _ = WarnOfWaitingSendsAsync(problem);
        return true;
    }

    private bool hasToldStandstill;                // only the timer of the sends reads and writes it

    // Once: if an item takes very long, all lanes may be at work, and no item ends.
    private bool WarnOfStandstill()
    {
        if (hasToldStandstill || core.InFlight.Count == 0 || core.Sends.Problem(State) is not { } problem) return hasToldStandstill;
        hasToldStandstill = true;
        Warn(problem);
        return true;
    }

    // Other processes may have started it: then this one need not.
    private async Task WarnOfWaitingSendsAsync(string problem)
    {
        string[] members = [];
        try
        {
            if (await core.Store.FindGroupAsync(core.Group, core.Lifetime.Token).ConfigureAwait(false) is { } group)
                members = [.. group.Members.Select(static member => member.Name)];
        }
        catch (Exception e) when (e is StreamStoreException or ObjectDisposedException or OperationCanceledException)
        {
            if (core.Lifetime.IsOver) return;
        }
        Warn(members.Length == 0 ? $"{problem} Call StartAsync: until then the sends wait."
            : $"Sends wait for room: the stream {Name} is full. The consecutor runs elsewhere ({members[0]}"
            + $"{(members.Length > 1 ? $" and {members.Length - 1:N0} more" : "")}), and ends no items, or too few: `sluice top` shows its "
            + "backlog and its members.");
    }

    internal Appender<T> NewAppender(string producer) => new(core, producer, Key);

    /// <summary>Makes an appender whose name begins with the member's name. If no later start has the member's name, the store forgets the
    /// producer at the end.</summary>
    internal Appender<T> NewOwnAppender(string suffix)
    {
        string producer = $"{SendingMember()}/{suffix}";
        Appender<T> appender = NewAppender(producer);
        appender.IsSender = !ownsStore;
        if (ownsStore || !core.Options.IsMemberUnique) return appender;
        appender.IsEphemeral = true;
        lock (sync) own[producer] = appender;
        return appender;
    }

    // The default member is one name for all consecutors of the process; a name that was given is the user's to keep apart.
    private string SendingMember()
    {
        if (ownsStore || Member != MemberInstance.DefaultMember) return Member;
        lock (sync)
        {
            if (senderNumber == 0) senderNumber = SenderNumbers.Rent(Name);
            return senderNumber == 1 ? Member
                : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Member}/{senderNumber}");
        }
    }

    // The end of a sender only saves the store a row for a day, so a slow store is not waited for.
    private static readonly TimeSpan MaxEndDuration = TimeSpan.FromSeconds(2);

    private async Task EndSendersAsync()
    {
        Appender<T>[] all;
        lock (sync) all = [.. own.Values];
        if (all.Length > 0)
        {
            // A time limit of its own: the end of another disposal, or of the failed consecutor, stops the wait of the lifetime.
            TimeSpan limit = core.Options.LeaseDuration < MaxEndDuration ? core.Options.LeaseDuration : MaxEndDuration;
            using var over = new CancellationTokenSource(limit, core.Time);
            await using (core.Lifetime.GivenUp.UnsafeRegister(static over => ((CancellationTokenSource)over!).Cancel(), over)
                .ConfigureAwait(false))
                await Task.WhenAll(all.Select(appender => appender.EndAsync(over.Token))).WaitAsync(over.Token)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        core.Lifetime.StopWaiting();
        lock (sync)
        {
            if (senderNumber > 0) SenderNumbers.Return(Name, senderNumber);
            senderNumber = -1;                       // a sender that is made later takes no number: no code would return it
        }
    }

    /// <summary>Returns the smallest free number for a producer that does not resume. Numbers are reused, so that the store keeps few
    /// producer names.</summary>
    internal int RentProducer()
    {
        lock (sync)
        {
            if (freeProducers.Count == 0) return ++producers;
            int number = freeProducers.Min;
            freeProducers.Remove(number);
            return number;
        }
    }

    /// <summary>Frees a number when nothing of its producer is under way: an append that was left behind fences off the next owner of the
    /// number.</summary>
    /// <param name="number">The number.</param>
    /// <param name="latest">The last append; it ends at the latest when the consecutor does.</param>
    internal void ReturnProducer(int number, Task latest)
    {
        if (latest.IsCompleted) Free();
        else _ = latest.ContinueWith(_ => Free(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);

        void Free()
        {
            lock (sync) freeProducers.Add(number);
        }
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
        if (core.Lifetime.IsOver) throw core.Lifetime.Over();
    }

    /// <returns>The append that carries the item.</returns>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<Task> AddAsync(T item, SendHandle? handle, CancellationToken cancellation)
    {
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            if (local is not null)
            {
                if (local.TryAdd(item) is not { } full) return Task.CompletedTask;
                await local.WaitAsync(full, cancellation).ConfigureAwait(false);
                continue;
            }
            if (!core.IsOpen) await OpenToSendAsync(cancellation).ConfigureAwait(false);
            if (Sender.TryAdd(item, null, default, out Task room, handle: handle) is { } append) return append;
            await room.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Opens the stream before the first send, so that each item is checked against the stream's own limit: an item that is too
    /// long is refused alone, without the items that share its append. Concurrent senders share the call.</summary>
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
        _ = begun.Observed();
        return new(begun.WaitAsync(cancellation));
    }

    private async Task OpenInsistentlyAsync()
    {
        TimeSpan wait = FirstWaitToOpen;
        for (int tried = 1; ; tried++, wait *= 2)
        {
            try
            {
                await core.OpenAsync(core.Lifetime.Token).ConfigureAwait(false);
                return;
            }
            catch (StreamStoreException) when (tried < TriesToOpen && !core.Lifetime.Token.IsCancellationRequested)
            {
                await RetryPause.WaitAsync(wait, core.Time, core.Lifetime.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException) when (core.Lifetime.Token.IsCancellationRequested)
            {
                throw core.Lifetime.Over();
            }
            catch (ObjectDisposedException closed)
            {
                core.Lifetime.EndIfClosed(closed);
                throw core.Lifetime.StoreClosed(closed);
            }
        }
    }
}
