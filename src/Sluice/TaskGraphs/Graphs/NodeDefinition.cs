using System.Diagnostics.CodeAnalysis;

namespace Sluice;

/// <summary>Calls the function of a node with what its parents have produced.</summary>
internal delegate ValueTask<T> NodeBody<T>(Resolution resolution, int[] parents, CancellationToken cancellation);

/// <summary>What a node is. Filled by one thread before its graph is built, read by any after that; may be part of several graphs.</summary>
internal abstract class NodeDefinition(string name, string[] parents, Delegate function, bool isRoot)
{
    private readonly bool[] needs = new bool[parents.Length];

    public string Name => name;

    /// <summary>The names of its parents: they may be replaced in another graph.</summary>
    public string[] Parents => parents;

    public Delegate Function => function;

    /// <summary>Whether it takes the request.</summary>
    public bool IsRoot => isRoot;

    [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)]
    public abstract Type Type { get; }

    public CallPolicy Policy { get; set; } = CallPolicy.None;

    public bool IsOptional { get; set; }

    /// <summary>Whether the function can be stopped: only then does a resolve need a token.</summary>
    public bool TakesToken { get; } = Array.IndexOf(function.GetType().GenericTypeArguments, typeof(CancellationToken)) >= 0;

    /// <summary>Its number in the graph that was built last with it: where to look first.</summary>
    public int LatestNumber { get; set; }

    /// <summary>0: without limit.</summary>
    public int Limit { get; set; }

    public bool IsBuilt { get; private set; }

    public abstract bool HasFallback { get; }

    public bool HasNeeds { get; private set; }

    /// <summary>The types that the function takes from its parents, in order; null where it asks the context.</summary>
    public Type[]? ParentTypes { get; init; }

    public virtual void Build() => IsBuilt = true;

    /// <summary>Starts the node.</summary>
    /// <returns>Whether it has ended already; if not, the resolution goes on when it has.</returns>
    public abstract bool Start(Resolution resolution, int number);

    /// <summary>A slot for a node that does not run.</summary>
    public abstract NodeSlot NewSlot();

    public bool NeedsParent(int index) => needs[index];

    public bool TryNeed(string parent)
    {
        int index = Array.IndexOf(parents, parent);
        if (index < 0) return false;
        HasNeeds = needs[index] = true;
        return true;
    }

    public void NeedAll()
    {
        Array.Fill(needs, true);
        HasNeeds = needs.Length > 0;
    }

    public string DescribeParents() => parents.Length == 0 ? "none" : string.Join(", ", parents);

    public IEnumerable<string> Describe()
    {
        foreach (string part in Policy.Describe()) yield return part;
        if (Limit > 0) yield return $"limit {Limit}";
        if (IsOptional) yield return "optional";
        if (HasFallback) yield return "fallback";
    }
}

[SuppressMessage("Reliability", "CA1001:Types that own disposable fields should be disposable", Justification = "Lives as long as its graphs; nobody asks the semaphore for a wait handle, so there is nothing to dispose of.")]
internal sealed class NodeDefinition<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)] T>(string name, string[] parents, Delegate function, bool isRoot, NodeBody<T> body)
    : NodeDefinition(name, parents, function, isRoot)
{
    private SemaphoreSlim? places;
    private bool isPlain = true;

    [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)]
    public override Type Type => typeof(T);

    public Func<Exception, T>? Fallback { get; set; }

    public override bool HasFallback => Fallback is not null;

    public override void Build()
    {
        if (IsBuilt) return;
        base.Build();
        if (Limit > 0) places = new(Limit);
        isPlain = places is null && Policy == CallPolicy.None;
    }

    public override bool Start(Resolution resolution, int number)
    {
        var slot = new NodeSlot<T>(this);
        resolution.Slots[number] = slot;
        if (resolution.RecordsTimings) slot.WithDetails().Started = resolution.Now;
        try
        {
            ValueTask<T> pending = isPlain
                ? body(resolution, resolution.Plan.Parents[number], TakesToken ? resolution.Token : default)
                : CallAsync(slot, resolution, resolution.Plan.Parents[number]);
            if (!pending.IsCompleted)
            {
                PendingNode<T>.Await(resolution, slot, number, pending);
                return false;
            }
            slot.Succeed(resolution, pending.Result);
        }
        catch (Exception e)
        {
            slot.Fail(resolution, e);
        }
        return true;
    }

    public override NodeSlot NewSlot() => new NodeSlot<T>(this);

    private async ValueTask<T> CallAsync(NodeSlot<T> slot, Resolution resolution, int[] parents)
    {
        if (Policy == CallPolicy.None) return await OnceAsync(1, resolution.Token).ConfigureAwait(false);
        return await Attempts.RunAsync(OnceAsync, Policy, resolution.Plan.Time, Random.Shared, resolution.Token).ConfigureAwait(false);

        async ValueTask<T> OnceAsync(int attempt, CancellationToken cancellation)
        {
            if (attempt > 1) slot.WithDetails().Attempts = attempt;
            if (places is not null) await places.WaitAsync(cancellation).ConfigureAwait(false);
            try
            {
                return await body(resolution, parents, cancellation).ConfigureAwait(false);
            }
            finally
            {
                places?.Release();
            }
        }
    }
}
