using Sluice.Diagnostics;
using Sluice.Membership;

namespace Sluice.Flows;

/// <summary>The state and services that the parts of a supervisor share.</summary>
internal sealed class SupervisorCore : IDisposable
{
    private readonly IStreamStore store;
    private readonly SupervisorOptions options;
    private readonly CancellationTokenSource givingUp = new();
    private readonly HashSet<string> told = [];      // also the lock
    private readonly HashSet<IExecutor> executors = new(ReferenceEqualityComparer.Instance);         // also the lock
    private readonly List<string> endingExecutors = [];        // guarded by the lock of the executors
    private readonly IExecutor executor;             // of functions without one of their own
    private ITimer? lastWait;
    private long givesUpAt = long.MaxValue;          // a timestamp; guarded by the lock of the feeds
    private int lost;                                // the last generation with lost writes

    public SupervisorCore(IStreamStore store, SupervisorOptions options)
    {
        (this.store, this.options) = (store = new CancellableStore(store, givingUp.Token), options);
        Calls = new(store, options.Time, Warn, options.ReaderTimeout) { GiveUp = givingUp.Token, Owner = options.Name };
        Services = options.Services ?? ProcessorServices.None;
        Own(executor = options.Executor ?? LocalExecutor.Instance);
        Slots = new(options.MaxConcurrency);
        Hosts = new(store, options.Time);
        (Life, Feeding) = (life.Token, feeding.Token);
    }

    private readonly CancellationTokenSource life = new();
    private readonly CancellationTokenSource feeding = new();
    private readonly List<(Task Fed, Func<bool> IsReading)> feeds = [];  // also guards itself

    public SupervisorOptions Options => options;

    public IStreamStore Store => store;

    public StoreRetrier Calls { get; }

    public ProcessorServices Services { get; }

    /// <summary>The executor of a function.</summary>
    public IExecutor ExecutorOf(BoundFunction function) => function.Executor ?? executor;

    /// <summary>Takes on an executor, which ends with the service.</summary>
    public void Own(IExecutor one)
    {
        lock (executors) executors.Add(one);
    }

    /// <summary>Ends all executors that were taken on, each once. Call it when no function runs. Never throws: a failure of an executor
    /// is a warning.</summary>
    public Task EndExecutorsAsync()
    {
        IAsyncDisposable[] all;
        lock (executors)
        {
            all = [.. executors.OfType<IAsyncDisposable>()];
            endingExecutors.AddRange(all.Select(static one => TypeNames.Of(one.GetType())));
        }
        return Task.WhenAll(all.Select(EndAsync));

        async Task EndAsync(IAsyncDisposable one)
        {
            string name = TypeNames.Of(one.GetType());
            try
            {
                await one.DisposeAsync().ConfigureAwait(false);
            }
            catch (Exception e)
            {
                Warn($"The DisposeAsync of the executor {name} of {options.Name} has failed with {e.GetType().Name}: "
                    + $"{FailureText.MessageOf(e)}");
                Tell(e.ToString());
            }
            lock (executors) endingExecutors.Remove(name);
        }
    }

    /// <summary>The executors whose disposal has begun and not ended.</summary>
    public string[] EndingExecutors
    {
        get { lock (executors) return [.. endingExecutors]; }
    }

    public ExecutionSlots Slots { get; }

    /// <summary>The instance of this service: one start of its name.</summary>
    public MemberInstance Instance { get; } = new();

    /// <summary>Tells whether a processor has a host.</summary>
    public HostWatch Hosts { get; }

    /// <summary>Cancelled when all work must stop.</summary>
    public CancellationToken Life { get; }

    /// <summary>Cancelled when nothing more is put into runs.</summary>
    public CancellationToken Feeding { get; }

    /// <summary>Whether an input is being read: it may be code of the user.</summary>
    public bool IsReading
    {
        get { lock (feeds) return feeds.Exists(static feed => feed.IsReading()); }
    }

    /// <summary>Whether the death of the process is simulated: nothing is ended or handed over.</summary>
    public bool IsAbandoned { get; private set; }

    public Task AbandonAsync()
    {
        IsAbandoned = true;
        givingUp.Cancel();
        return EndAsync();
    }

    /// <summary>Raised when the store has lost writes: holders of data of a generation that <see cref="IsLost"/> drop it.</summary>
    public event Action? LossSeen;

    /// <summary>Whether data that was read in a generation is void.</summary>
    public bool IsLost(int generation) => generation <= Volatile.Read(ref lost);

    /// <summary>
    /// Runs a query or command of a user. If the store has lost writes, the call fails, and the next one uses a new generation.
    /// </summary>
    /// <exception cref="ClosedStoreException">The store was disposed.</exception>
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
        catch (ObjectDisposedException e) when (e is not ClosedStoreException)
        {
            // If it was the store, and not an object of the user, this call throws, too, and explains it.
            await Calls.DoAsync([], () => store.FindStreamAsync(FlowNames.Journal("-"), cancellation), cancellation).ConfigureAwait(false);
            throw;
        }
    }

    public Task AskAsync(Func<Task> call, CancellationToken cancellation)
        => AskAsync(async () =>
        {
            await call().ConfigureAwait(false);
            return true;
        }, cancellation);

    /// <summary>Whether the store was disposed: then there is nothing to try again. Waits for its answer until the cancellation. Never
    /// throws.</summary>
    public async Task<bool> IsStoreDisposedAsync(CancellationToken cancellation)
    {
        try
        {
            await Calls.DoAsync([], () => store.FindStreamAsync(FlowNames.Journal("-"), cancellation), cancellation).ConfigureAwait(false);
            return false;
        }
        catch (Exception e)
        {
            return e is ObjectDisposedException;
        }
    }

    /// <summary>
    /// Begins a new generation after the store has lost writes. If several callers notice, the generation is raised once.
    /// </summary>
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

    /// <summary>Reports a warning. Never throws: a closed log must not stop a run, nor a timer's thread.</summary>
    public void Warn(string text) => Warnings.Tell(options.OnWarning, text);

    /// <summary>Reports the details of a warning. Never throws.</summary>
    public void Tell(string details) => Warnings.TellDetails(options.OnDetails, details);

    /// <summary>Adds a feed of a run, which <see cref="FedAsync"/> waits for.</summary>
    /// <param name="feed">Must not fail.</param>
    /// <param name="isReading">Whether it reads values, which may be code of the user.</param>
    public void Add(Task feed, Func<bool> isReading)
    {
        lock (feeds)
        {
            feeds.RemoveAll(static feed => feed.Fed.IsCompleted);
            feeds.Add((feed, isReading));
        }
    }

    /// <summary>Stops all feeds.</summary>
    public Task EndFeedsAsync() => feeding.CancelAsync();

    /// <summary>Ends when all feeds have ended, or the store's time to answer is over.</summary>
    public async Task FedAsync()
    {
        Task[] fed;
        lock (feeds) fed = [.. feeds.Select(static feed => feed.Fed)];
        await Task.WhenAll(fed).WaitAsync(givingUp.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (IsReading)
            Warn($"{options.Name} has ended, and an input that it was putting into a run goes on: it does not heed its CancellationToken. "
                + $"Its stream fails when {options.Name} has been silent for the lease duration.");
    }

    /// <summary>Reports a warning, unless the same text was reported before.</summary>
    public void WarnOnce(string text)
    {
        lock (told)
            if (!told.Add(text)) return;
        Warn(text);
    }

    /// <summary>Starts the end of the service: the store has this time to answer, or less if an earlier call said less.</summary>
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

    /// <summary>Whether the store's time to answer at the end of the service is over: its calls are cancelled, and their failures are no
    /// warnings.</summary>
    public bool HasGivenUp => givingUp.IsCancellationRequested;

    // Called by a timer. All callbacks are the library's, and do not throw.
    private void GiveUp() => givingUp.Cancel();

    public async Task EndAsync()
    {
        Instance.End();
        await feeding.CancelAsync().ConfigureAwait(false);
        await life.CancelAsync().ConfigureAwait(false);
    }

    public void Dispose()
    {
        lastWait?.Dispose();
        life.Dispose();
        feeding.Dispose();
        Slots.Dispose();
    }
}
