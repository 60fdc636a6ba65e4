namespace Sluice.Dashboard.Sampling;

/// <summary>Looks at everything that the dashboard shows, when somebody asks, and at most once in an interval, however many ask.</summary>
/// <remarks>
/// Nothing happens while nobody asks. Thread-safe; locking rule: the present look under <c>sync</c>; the samplers of consecutors,
/// pipelines and graphs are used by one look at a time.
/// </remarks>
internal sealed class Sampler(DashboardOptions options, HostParts host, GraphRecorders recorders)
{
    /// <summary>The part of an interval after which a look is due: viewers come a little earlier or later than an interval after the
    /// last one.</summary>
    public const double Early = 0.9;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly Lock sync = new();
    private readonly Dictionary<IStreamStore, StoreSampler> stores = [];
    private readonly Dictionary<(IStreamStore, string), ConsecutorSampler> samplers = [];
    private readonly PipelineSampler pipelines = new(options, host.Pipelines);
    private readonly GraphSampler graphs = new(options.Time);
    private Task<Sample>? look;
    private long begun;

    /// <summary>Returns the present look, or a new one.</summary>
    public Task<Sample> LookAsync()
    {
        lock (sync)
        {
            if (look is null || (look.IsCompleted && options.Time.GetElapsedTime(begun) >= options.RefreshInterval * Early))
                (look, begun) = (LookNowAsync(), options.Time.GetTimestamp());
            return look;
        }
    }

    /// <summary>Makes the next look due at once: something was changed.</summary>
    public void LookAgain()
    {
        lock (sync)
        {
            if (look is { IsCompleted: true }) look = null;
            foreach (StoreSampler store in stores.Values) store.LookAgain();
        }
    }

    /// <summary>The inspector of a store.</summary>
    public StoreInspector InspectorOf(StoreSource source)
    {
        lock (sync) return stores[source.Store].Inspector;
    }

    private async Task<Sample> LookNowAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);        // out of the lock
        IConsecutor[] local = [.. options.Consecutors.Concat(host.Consecutors()).Distinct()];
        StoreSampler[] all = FindStores(local);
        StoreSample[] seen = await Task.WhenAll(all.Select(one => one.LookAsync(Patience, CancellationToken.None))).ConfigureAwait(false);
        List<ConsecutorSample> found = [];
        foreach (StoreSample store in seen)
        {
            IConsecutor[] here = [.. local.Where(one => one.Store == store.Store.Store)];
            foreach (IConsecutor one in here) found.Add(SamplerOf(one.Name, store.Store, one).Look(store));
            foreach (StreamLook stream in store.Streams.Values)
                if (stream.IsConsecutor && !Array.Exists(here, one => one.Name == stream.Name))
                    found.Add(SamplerOf(stream.Name, store.Store, null).Look(store));
        }
        return new(seen, [.. found.OrderByDescending(static one => one.Verdict.Urgency).ThenBy(static one => one.Name,
            StringComparer.Ordinal)], pipelines.Look(), graphs.Look(recorders.Find()))
        { GraphProblem = recorders.Problem };
    }

    private StoreSampler[] FindStores(IConsecutor[] local)
    {
        List<(string Name, IStreamStore Store)> known = [.. options.Stores.Select(static one => (one.Key, one.Value))];
        if (host.Store() is { } registered) Add("store", registered);
        foreach (IConsecutor one in local) Add("store", one.Store);
        lock (sync)
        {
            foreach ((string name, IStreamStore store) in known)
                if (!stores.ContainsKey(store)) stores.Add(store, new(new(name, store), options));
            return [.. known.Select(one => stores[one.Store])];
        }

        void Add(string name, IStreamStore store)
        {
            if (known.Any(one => one.Store == store)) return;
            string free = name;
            for (int number = 2; known.Any(one => one.Name == free); number++) free = $"{name}-{number}";
            known.Add((free, store));
        }
    }

    private ConsecutorSampler SamplerOf(string name, StoreSource store, IConsecutor? local)
    {
        if (!samplers.TryGetValue((store.Store, name), out ConsecutorSampler? sampler))
            samplers.Add((store.Store, name), sampler = new(name, store, local, options.Time));
        return sampler;
    }
}
