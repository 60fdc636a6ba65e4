namespace Sluice;

/// <summary>What the parts of a supervisor share.</summary>
internal sealed class SupervisorCore : IDisposable
{
    private readonly IStreamStore store;
    private readonly SupervisorOptions options;
    private readonly CancellationTokenSource givingUp = new();
    private readonly HashSet<string> told = [];      // also the lock
    private ITimer? lastWait;
    private long givesUpAt = long.MaxValue;          // under the lock of the feeds; a timestamp of the clock
    private int lost;                                // the last generation in which the store has lost something

    public SupervisorCore(IStreamStore store, SupervisorOptions options)
    {
        (this.store, this.options) = (store = new CancellableStore(store, givingUp.Token), options);
        Calls = new(store, options.Time, Warn, options.ReaderTimeout) { GiveUp = givingUp.Token };
        Services = options.Services ?? ProcessorServices.None;
        Executor = options.Executor ?? LocalExecutor.Instance;
        Slots = new(options.MaxConcurrency);
        Hosts = new(store, options);
        Life = life.Token;
    }

    private readonly CancellationTokenSource life = new();
    private readonly List<Task> feeds = [];          // also guards itself

    public SupervisorOptions Options => options;

    public IStreamStore Store => store;

    public StoreRetrier Calls { get; }

    public ProcessorServices Services { get; }

    public IExecutor Executor { get; }

    public ExecutionSlots Slots { get; }

    /// <summary>Which start of its name this service is.</summary>
    public MemberInstance Instance { get; } = new();

    /// <summary>Whether anybody hosts a processor.</summary>
    public HostWatch Hosts { get; }

    /// <summary>Ends when nothing may be done any more.</summary>
    public CancellationToken Life { get; }

    /// <summary>As if the process had died: nothing is ended or handed over.</summary>
    public bool IsAbandoned { get; private set; }

    /// <summary>What is not hosted here any more although it was registered; null if nothing.</summary>
    public string? Problem { get; set; }

    public Task AbandonAsync()
    {
        IsAbandoned = true;
        givingUp.Cancel();
        return EndAsync();
    }

    /// <summary>Somebody here has seen that the store has lost writes: who holds something of a generation that <see cref="IsLost"/> drops it.</summary>
    public event Action? LossSeen;

    /// <summary>Whether what was taken from the store in a generation is void.</summary>
    public bool IsLost(int generation) => generation <= Volatile.Read(ref lost);

    /// <summary>Runs what somebody wants to know or to have done. If the store turns out to have lost writes, it fails, and the next one finds a new generation.</summary>
    public async Task<T> AskAsync<T>(Func<Task<T>> call, CancellationToken cancellation)
    {
        int generation = store.Generation;
        try
        {
            return await call().ConfigureAwait(false);
        }
        catch (StoreRolledBackException)
        {
            await RenewAsync(generation, cancellation).ConfigureAwait(false);
            throw;
        }
    }

    public Task AskAsync(Func<Task> call, CancellationToken cancellation)
        => AskAsync(async () =>
        {
            await call().ConfigureAwait(false);
            return true;
        }, cancellation);

    /// <summary>The store has lost what it had acknowledged in a generation: begins one that was never used. Of several who notice, one does.</summary>
    public async Task RenewAsync(int generation, CancellationToken cancellation)
    {
        for (int known = Volatile.Read(ref lost); known < generation;)
            known = Interlocked.CompareExchange(ref lost, generation, known) is var before && before == known ? generation : before;
        LossSeen?.Invoke();
        for (int present = store.Generation; present <= generation;)
        {
            int expected = present;
            present = await Calls.DoAsync([], () => store.RaiseGenerationAsync(expected, cancellation), cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Throws nothing: a log that is closed already stops no run, and no timer's thread.</summary>
    public void Warn(string text) => Warnings.Tell(options.OnWarning, text);

    /// <summary>A run is being fed by this service, which ends after that.</summary>
    /// <param name="feed">Throws nothing.</param>
    public void Add(Task feed)
    {
        lock (feeds)
        {
            feeds.RemoveAll(static task => task.IsCompleted);
            feeds.Add(feed);
        }
    }

    /// <summary>Ends when no run is fed any more, or the store has had its time to answer.</summary>
    public async Task FedAsync()
    {
        Task[] fed;
        lock (feeds) fed = [.. feeds];
        await Task.WhenAll(fed).WaitAsync(givingUp.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!Array.TrueForAll(fed, static task => task.IsCompleted))
            Warn($"{options.Name} has ended, and an input that it was putting into a run goes on: it does not heed its CancellationToken. Its stream fails when {options.Name} has been silent for the lease time.");
    }

    /// <summary>The same, for what would be said again and again.</summary>
    public void WarnOnce(string text)
    {
        lock (told)
            if (!told.Add(text)) return;
        Warn(text);
    }

    /// <summary>The service ends: the store has so long to answer, or less if it was told so before. Then others take over anyway.</summary>
    public void BeginToEnd(TimeSpan limit)
    {
        lock (feeds)
        {
            long at = options.Time.GetTimestamp() + (long)(limit.TotalSeconds * options.Time.TimestampFrequency);
            if (at >= givesUpAt) return;
            givesUpAt = at;
            lastWait?.Dispose();
            lastWait = options.Time.CreateTimer(static core => ((SupervisorCore)core!).GiveUp(), this, limit, Timeout.InfiniteTimeSpan);
        }
    }

    // By a timer. What is registered is ours, and does not throw.
    private void GiveUp() => givingUp.Cancel();

    public Task EndAsync()
    {
        Instance.End();
        return life.CancelAsync();
    }

    public void Dispose()
    {
        lastWait?.Dispose();
        life.Dispose();
        Slots.Dispose();
    }
}
