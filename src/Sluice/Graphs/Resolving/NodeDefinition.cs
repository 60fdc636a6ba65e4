using Sluice.Diagnostics;
using Sluice.Policies;

namespace Sluice.Graphs;

/// <summary>Calls the function of a node with the values of its parents.</summary>
internal delegate ValueTask<T> NodeBody<T>(GraphContext context, int[] parents, CancellationToken cancellation);

/// <summary>
/// The definition of a node. One thread fills it before its graph is built; then it is read-only, and several graphs may have it.
/// </summary>
internal abstract class NodeDefinition(string name, string[] parents, Delegate function, bool isRoot)
{
    /// <summary>The name that stands for the request among parents; no node has it.</summary>
    public const string OfRequest = "";

    private readonly bool[] needs = new bool[parents.Length];
    private MergedParts? parts;

    public string Name => name;

    /// <summary>The names of its parents; names, because a changed graph may replace them.</summary>
    public string[] Parents => parents;

    public Delegate Function => function;

    /// <summary>Whether it takes the request.</summary>
    public bool IsRoot => isRoot;

    [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)]
    public abstract Type Type { get; }

    public CallPolicy Policy { get; set; } = CallPolicy.None;

    public bool IsOptional { get; set; }

    /// <summary>Whether its function takes a token; only then does a resolve need one.</summary>
    public bool TakesToken { get; } = Array.IndexOf(function.GetType().GenericTypeArguments, typeof(CancellationToken)) >= 0;

    /// <summary>The graphs that may have it; null in a data flow, whose nodes have no handles.</summary>
    public GraphFamily? Family { get; set; }

    /// <summary>Its number in the graph that was built last with it, as a hint for look-ups.</summary>
    public int LatestNumber { get; set; }

    /// <summary>The limit of its concurrent calls; null for none.</summary>
    public CallConcurrencyLimit? Places { get; set; }

    public bool IsBuilt { get; private set; }

    /// <summary>The named parts of its value.</summary>
    public MergedParts Parts => parts ??= new(name, Type);

    public abstract bool HasFallback { get; }

    /// <summary>Whether a call of it is a call of its function, without limits, time limits and retries. Known when it is built.</summary>
    public abstract bool IsPlain { get; }

    /// <summary>Sets the fallback, for code without the static type.</summary>
    public abstract void SetFallback(Func<Exception, object?> value);

    /// <summary>The types that the function takes from its parents, in order; null if it asks the context.</summary>
    public Type[]? ParentTypes { get; init; }

    public virtual void Build() => IsBuilt = true;

    /// <summary>Makes a copy that is not built, so that its options can change. It shares the concurrency limit.</summary>
    public NodeDefinition Copy()
    {
        NodeDefinition copy = NewCopy();
        (copy.Policy, copy.IsOptional, copy.Places, copy.Family) = (Policy, IsOptional, Places, Family);
        needs.CopyTo(copy.needs, 0);
        return copy;
    }

    /// <summary>Starts the node.</summary>
    /// <returns>Whether it has ended; if not, the resolution continues when it has.</returns>
    public abstract bool Start(GraphContext context, int number);

    /// <summary>Ends a suspended node whose task has ended; for the thread that has claimed its slot.</summary>
    public abstract void Finish(GraphContext context, int number, Task ended);

    /// <summary>Its value; null or the default if it produced nothing.</summary>
    public abstract object? Box(ref Slot slot);

    /// <summary>Whether its value is not null. A node without a value has one when it has ended successfully.</summary>
    public abstract bool HasSomething(ref Slot slot);

    public bool NeedsParent(int index) => needs[index];

    /// <summary>Whether it takes a parent's value as a type that cannot be null.</summary>
    public bool TakesValueFrom(int index) => ParentTypes is { } types && types[index] is { IsValueType: true } type && type != typeof(Unit)
        && Nullable.GetUnderlyingType(type) is null;

    public bool TryNeed(string parent)
    {
        int index = Array.IndexOf(parents, parent);
        if (index < 0) return false;
        needs[index] = true;
        return true;
    }

    public void NeedAll() => Array.Fill(needs, true);

    public string DescribeParents() => parents.Length == 0 ? "none"
        : string.Join(", ", parents.Select(parent => parent == OfRequest ? "the request" : parent));

    public IEnumerable<string> Describe()
    {
        foreach (string part in Policy.Describe()) yield return part;
        if (Places is { } places) yield return $"limit {places.Count}";
        if (IsOptional) yield return "optional";
        if (HasFallback) yield return "fallback";
    }

    protected abstract NodeDefinition NewCopy();
}

internal sealed class NodeDefinition<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)] T>(string name,
    string[] parents, Delegate function, bool isRoot, NodeBody<T> body)
    : NodeDefinition(name, parents, function, isRoot)
{
    private readonly NodeBody<T> body = body;
    private bool isPlain = true;

    [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)]
    public override Type Type => typeof(T);

    public Func<Exception, T>? Fallback { get; set; }

    public override bool HasFallback => Fallback is not null;

    public override bool IsPlain => isPlain;

    public override void SetFallback(Func<Exception, object?> value) => Fallback = exception => (T)value(exception)!;

    public override void Build()
    {
        if (IsBuilt) return;
        base.Build();
        isPlain = Places is null && Policy == CallPolicy.None && typeof(T) != typeof(object);     // an object may be a task at run time
    }

    public override object? Box(ref Slot slot) => typeof(T) == typeof(Unit) ? null : Slot.Get<T>(ref slot);

    public override bool HasSomething(ref Slot slot) => Slot.Get<T>(ref slot) is not null;

    protected override NodeDefinition NewCopy() => new NodeDefinition<T>(Name, Parents, Function, IsRoot, body)
    {
        ParentTypes = ParentTypes,
        Fallback = Fallback
    };

    public override bool Start(GraphContext context, int number)
    {
        ref Slot slot = ref context.SlotOf(number);
        slot.Run();
        try
        {
            ValueTask<T> pending;
            if (isPlain && !context.IsWatched)
            {
                pending = body(context, context.Plan.Parents[number], TakesToken ? context.Token : default);
                if (pending.IsCompletedSuccessfully)
                {
                    if (!context.IsOver) slot.Set(pending.Result);
                    return true;
                }
            }
            else
            {
                if (context.RecordsTimings) context.Details.Of(number).Started = context.Plan.Time.GetTimestamp();
                pending = OnceTelemetry.IsTraced ? TracedAsync(context, number) : CallAsync(context, number);
            }
            if (!pending.IsCompleted)
            {
                context.Suspend(number, pending.AsTask());
                return false;
            }
            context.Succeed(number, pending.Result);
        }
        catch (Exception e)
        {
            Fail(context, number, e);
        }
        return true;
    }

    public override void Finish(GraphContext context, int number, Task ended)
    {
        try
        {
            context.Succeed(number, Unsafe.As<Task<T>>(ended).GetAwaiter().GetResult());
        }
        catch (Exception e)
        {
            Fail(context, number, e);
        }
    }

    private void Fail(GraphContext context, int number, Exception exception)
    {
        if (context.IsOver) return;
        NodeDetails details = context.Details.Of(number);
        details.Exception = exception;
        // Whatever it throws: many clients report a cancellation by an exception of their own. By the caller's own token, a function may
        // notice a cancellation before the resolve does.
        if (context.MustStop)
        {
            context.End(number, exception is LeftBehindException ? NodeStatus.Running : NodeStatus.Cancelled);
            return;
        }
        if (Fallback is { } fallback)
        {
            try
            {
                T value = fallback(exception);
                if (context.IsOver) return;
                details.HasFallenBack = true;
                context.Set(number, value);
                return;
            }
            catch (Exception worse)
            {
                if (context.IsOver) return;
                details.Exception = worse;
            }
        }
        context.End(number, NodeStatus.Failed);
        if (!IsOptional) context.Fail(number);
    }

    private ValueTask<T> TracedAsync(GraphContext context, int number)
        => OnceTelemetry.NodeAsync(Name, () => CallAsync(context, number), () => context.MustStop);

    private ValueTask<T> CallAsync(GraphContext context, int number)
        => Places is not null && CallConcurrencyLimit.Around is { } around ? LentAsync(around, context, number)
        : AttemptAsync(context, number);

    /// <summary>
    /// Calls the node inside of a call that has a permit, and lends that. Outside of the time limit, because the permit of the caller may
    /// be taken for long, which is no fault of this node.
    /// </summary>
    private async ValueTask<T> LentAsync(CallConcurrencyLimit.Holder around, GraphContext context, int number)
    {
        around.Lend();
        try
        {
            return await AttemptAsync(context, number).ConfigureAwait(false);
        }
        finally
        {
            await around.TakeBackAsync(context.Token).ConfigureAwait(false);
        }
    }

    private ValueTask<T> AttemptAsync(GraphContext context, int number)
        => Attempts.RunAsync<Attempted, T>(new(this, context, number), Policy, context.Plan.Time, staysInContext: false, TakesToken
        || !isPlain ? context.Token : default);

    /// <summary>A call of a node in one resolve.</summary>
    private readonly struct Attempted(NodeDefinition<T> node, GraphContext context, int number) : IAttempted<T>
    {
        public ValueTask EnterAsync(int attempt, CancellationToken cancellation)
        {
            if (attempt > 1)
            {
                if (context.MustStop) throw new OperationCanceledException(context.Caller);
                context.Details.Of(number).Attempts = attempt;
            }
            return node.Places is { } places ? places.EnterAsync(cancellation) : default;
        }

        public ValueTask<T> CallAsync(int attempt, CancellationToken cancellation)
        {
            int[] parents = context.Plan.Parents[number];
            return node.Places is { } places ? places.HoldAsync(node.body, context, parents, cancellation)
                : node.body(context, parents, cancellation);
        }
    }
}
