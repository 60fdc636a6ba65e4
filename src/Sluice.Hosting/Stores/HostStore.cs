namespace Sluice.Hosting;

/// <summary>The store of a host: objects can have it before it is open, and its first call opens it.</summary>
/// <remarks>Thread-safe: the store is opened once. If opening fails, the next call tries again. The disposal cancels an opening, and does
/// not wait for it: a store that opens too late is disposed by its opening.</remarks>
/// <param name="open">Opens the store.</param>
/// <param name="time">The clock.</param>
internal sealed class HostStore(Func<CancellationToken, ValueTask<IStreamStore>> open, TimeProvider time) : StreamStoreWrapper
{
    // If no append follows, nobody knows whether the store would still refuse one.
    private static readonly TimeSpan MaxAgeOfRefusal = TimeSpan.FromMinutes(5);

    private readonly SemaphoreSlim opening = new(1);
    private readonly CancellationTokenSource disposal = new();
    private readonly Lock gate = new();              // for `store` and `isDisposed`
    private bool isDisposed;
    private volatile IStreamStore? store;
    private volatile Tuple<string, long>? refusal;   // of the append that was refused last: why, and when it began
    private long accepted = long.MinValue;           // when the append began that was accepted last

    public bool IsOpen => store is not null;

    /// <summary>Why the store has refused the last append of the last five minutes; null if it has taken it, or there was none. An entry
    /// that it never takes is no refusal.</summary>
    public string? Refusal => refusal is var (why, begun) && begun > Volatile.Read(ref accepted)
        && time.GetElapsedTime(begun) < MaxAgeOfRefusal ? why : null;

    /// <inheritdoc/>
    public override IStreamStore Root => store?.Root ?? this;

    protected override IStreamStore Inner => store ?? throw new InvalidOperationException(
        "The stream store is not open: it is opened when the host starts. Start the host first.");

    /// <summary>Refuses a store that the program has registered itself: a part of the host would use it, and the rest would not.</summary>
    /// <exception cref="WiringException">There is another store.</exception>
    public void RefuseOthers(IServiceProvider container)
    {
        if (container.GetServices<IStreamStore>().FirstOrDefault(other => other != this) is { } another)
            throw new WiringException($"The services have an IStreamStore of their own ({another}), which the host does not use. Do not "
                + "register it, but give it to the host: AddSluice(sluice => sluice.UseStore(_ => new(store))).");
    }

    public async ValueTask OpenAsync(CancellationToken cancellation)
    {
        if (store is not null) return;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, disposal.Token);
        try
        {
            await opening.WaitAsync(either.Token).ConfigureAwait(false);
            try
            {
                either.Token.ThrowIfCancellationRequested();           // a call that waited may have got its turn nevertheless
                if (store is null) await KeepAsync(await open(either.Token).ConfigureAwait(false)).ConfigureAwait(false);
            }
            finally
            {
                opening.Release();
            }
        }
        catch (OperationCanceledException e) when (disposal.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new ObjectDisposedException("The host was disposed before its store was open.", e);
        }
    }

    private async ValueTask KeepAsync(IStreamStore opened)
    {
        lock (gate)
        {
            if (!isDisposed)
            {
                store = opened;
                return;
            }
        }
        await opened.DisposeAsync().ConfigureAwait(false);
        throw new ObjectDisposedException(nameof(HostStore));
    }

    // Appends may end in another order than they have begun.
    private void NoteAccepted(long begun)
    {
        for (long before = Volatile.Read(ref accepted); begun > before;)
        {
            long now = Interlocked.CompareExchange(ref accepted, begun, before);
            if (now == before) return;
            before = now;
        }
    }

    public override async ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
    {
        long begun = time.GetTimestamp();
        try
        {
            AppendResult result = await base.AppendAsync(request, cancellation).ConfigureAwait(false);
            NoteAccepted(begun);
            return result;
        }
        catch (StreamStoreException refused) when (refused.Stream is null && refused is not StoreRolledBackException)
        {
            refusal = new(refused.Message, begun);
            throw;
        }
    }

    public override async ValueTask DisposeAsync()
    {
        lock (gate)
        {
            if (isDisposed) return;
            isDisposed = true;
        }
        await disposal.CancelAsync().ConfigureAwait(false);      // not disposed: later calls ask its token, and say that this was
        if (store is { } opened) await opened.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    protected override ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
    {
        return store is not null ? call() : OpenAndCallAsync();

        async ValueTask<T> OpenAndCallAsync()
        {
            await OpenAsync(CancellationToken.None).ConfigureAwait(false);
            return await call().ConfigureAwait(false);
        }
    }
}
