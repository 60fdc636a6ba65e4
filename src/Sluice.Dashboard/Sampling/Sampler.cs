using Sluice.Diagnostics;

namespace Sluice.Dashboard.Sampling;

/// <summary>Looks at everything that the dashboard shows, when somebody asks, and at most once in an interval, however many ask.</summary>
/// <remarks>
/// Nothing happens while nobody asks. Thread-safe; locking rule: the present look under <c>sync</c>; the samplers of consecutors,
/// pipelines and graphs are used by one look at a time.
/// </remarks>
internal sealed class Sampler(DashboardOptions options, HostParts host, GraphRecorders recorders, ScopeRecorders steps)
{
    /// <summary>The part of an interval after which a look is due: viewers come a little earlier or later than an interval after the
    /// last one.</summary>
    public const double Early = 0.9;

    /// <summary>How many consecutors of other processes a look has, of each store: those with the most dead letters and items.</summary>
    public const int MaxElsewhere = 1_000;

    private readonly Lock sync = new();
    private readonly Dictionary<IStreamStore, StoreSampler> stores = [];
    private Dictionary<(IStreamStore, string, IConsecutor?), ConsecutorSampler> samplers = [];
    private readonly PipelineSampler pipelines = new(options, host.Pipelines);
    private readonly GraphSampler graphs = new(options.Time);
    private Task<Sample>? look;
    private long begun;
    private bool isOld;                              // something was changed since the look began

    /// <summary>Returns the present look, or a new one.</summary>
    public Task<Sample> LookAsync()
    {
        lock (sync)
        {
            if (look is null || isOld || (look.IsCompleted && options.Time.GetElapsedTime(begun) >= options.RefreshInterval * Early))
                (look, begun, isOld) = (LookAfterAsync(look), options.Time.GetTimestamp(), false);
            return look;
        }
    }

    /// <summary>Makes the next look due at once: something was changed, which a look that has begun already may not have seen.</summary>
    public void LookAgain()
    {
        lock (sync)
        {
            isOld = true;
            foreach (StoreSampler store in stores.Values) store.LookAgain();
        }
    }

    /// <summary>Finds what the look has not: a consecutor that is not among those with the most items, and members of its group.</summary>
    public async Task<ConsecutorSample?> CompleteAsync(ConsecutorSample? known, Sample sample, string name, string? storeName,
        CancellationToken cancellation)
    {
        if (known?.Group is not null) return known;
        // A silent store may have it, and is asked last: the page gives up if it does not answer.
        foreach (StoreSample store in known is not null ? sample.Stores.Where(one => one.Store == known.Store && !one.IsSilent)
            : sample.Stores.Where(one => storeName is null || one.Store.Name == storeName).OrderBy(static one => one.IsSilent))
        {
            StoreSampler sampler;
            lock (sync) sampler = stores[store.Store.Store];
            if (known is not null && store.Damage.ContainsKey(name)) continue;
            GroupId group = new(name, name);
            if (await sampler.FindGroupAsync(group, cancellation).ConfigureAwait(false) is not { } detail) continue;
            if (known is not null) return known with { Group = detail };
            if (await sampler.Inspector.FindAsync(name, cancellation).ConfigureAwait(false) is not { } look) continue;
            return new ConsecutorSampler(name, store.Store, null, options.Time).Look(store with
            {
                Streams = new Dictionary<string, StreamLook> { [name] = look },
                Groups = new Dictionary<GroupId, GroupDetail> { [group] = detail },
            });
        }
        return known;
    }

    /// <summary>The inspector of a store.</summary>
    public StoreInspector InspectorOf(StoreSource source)
    {
        lock (sync) return stores[source.Store].Inspector;
    }

    /// <summary>Looks at some streams of a store at once.</summary>
    public async Task<IReadOnlyList<FoundStream>> FindStreamsAsync(StoreSource source, IReadOnlyList<string> names,
        CancellationToken cancellation)
    {
        StoreSampler sampler;
        lock (sync) sampler = stores[source.Store];
        return await sampler.FindAllAsync(names, cancellation).ConfigureAwait(false);
    }

    /// <summary>The runs of flows in a store.</summary>
    public FlowSampler FlowsOf(StoreSource source)
    {
        lock (sync) return stores[source.Store].Flows;
    }

    /// <summary>The runs of flows that the first page shows, of each store that has some; of a silent store, those that were seen last.
    /// </summary>
    public async Task<IReadOnlyList<(StoreSource Store, FlowSamples Flows)>> LookAtFlowsAsync(Sample sample, CancellationToken cancellation)
    {
        var asked = new List<(StoreSample Store, FlowGlance Glance)>();
        lock (sync)
            asked.AddRange(sample.Stores.Where(static one => one.HasFlows).Select(one => (one, stores[one.Store.Store].FlowGlance)));
        TimeSpan interval = options.RefreshInterval * Early;
        FlowSamples?[] seen = await Task.WhenAll(asked.Select(one => one.Store.IsSilent ? Task.FromResult(one.Glance.Seen)
            : one.Glance.LookAsync(interval, cancellation))).ConfigureAwait(false);
        return [.. asked.Zip(seen).Where(static one => one.Second is not null).Select(static one => (one.First.Store.Store, one.Second!))];
    }

    private async Task<Sample> LookAfterAsync(Task<Sample>? before)
    {
        if (before is not null) await ((Task)before).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return await LookNowAsync().ConfigureAwait(false);
    }

    private async Task<Sample> LookNowAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);        // out of the lock
        IConsecutor[] local = [.. options.Consecutors.Concat(host.Consecutors()).Distinct()];
        StoreSampler[] all = FindStores(local);
        StoreSample[] seen = await Task.WhenAll(all.Select(one => one.LookAsync(options.LookTimeout, CancellationToken.None)))
            .ConfigureAwait(false);
        List<ConsecutorSample> found = [];
        Dictionary<(IStreamStore, string, IConsecutor?), ConsecutorSampler> used = [];
        foreach (StoreSample store in seen)
        {
            HashSet<string> here = new(StringComparer.Ordinal);
            foreach (IConsecutor one in local.Where(one => one.Store == store.Store.Store))
            {
                here.Add(one.Name);
                Look(one.Name, store, one);
            }
            IEnumerable<StreamLook> elsewhere = store.Streams.Values.Where(stream => stream.IsConsecutor && !here.Contains(stream.Name));
            foreach (StreamLook stream in elsewhere.OrderByDescending(static one => one.Consecutor!.Backlog.Dead > 0)
                .ThenByDescending(static one => one.Consecutor!.Backlog.Outstanding).Take(MaxElsewhere))
                Look(stream.Name, store, null);
        }
        samplers = used;                             // a consecutor that is gone takes its history along
        return new(seen, [.. WithMembers(found).OrderByDescending(static one => one.Verdict.Urgency).ThenBy(static one => one.Name,
            StringComparer.Ordinal)], pipelines.Look(), graphs.Look(recorders.Find()))
        { GraphProblem = recorders.Problem, Steps = steps.Look() };

        void Look(string name, StoreSample store, IConsecutor? local)
        {
            (IStreamStore, string, IConsecutor?) key = (store.Store.Store, name, local);         // two members can be in one process
            if (!used.TryGetValue(key, out ConsecutorSampler? one))
                used.Add(key, one = samplers.GetValueOrDefault(key) ?? new(name, store.Store, local, options.Time));
            found.Add(one.Look(store) with { Number = found.Count });
        }
    }

    // Each of several members in this process has a page, by its name.
    private static IEnumerable<ConsecutorSample> WithMembers(List<ConsecutorSample> found)
    {
        foreach (IGrouping<(StoreSource, string), ConsecutorSample> consecutor in found.GroupBy(static one => (one.Store, one.Name)))
        {
            ConsecutorSample[] members = [.. consecutor];
            HashSet<string> names = new(StringComparer.Ordinal);
            foreach (ConsecutorSample one in members)
            {
                string instance = one.Snapshot?.InstanceId ?? "", name = instance;
                for (int number = 2; !names.Add(name); number++) name = $"{instance} ({number})";
                yield return members.Length == 1 ? one : one with { Member = name };
            }
        }
    }

    private StoreSampler[] FindStores(IConsecutor[] local)
    {
        List<(string Name, IStreamStore Store)> known = [.. options.Stores.Select(static one => (one.Key, one.Value))
            .DistinctBy(static one => one.Value)];
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
}
