namespace Sluice;

/// <summary>Finds the calls behind the futures that a call depends on, through all that derives futures from futures. Used by one thread, for one call at a time.</summary>
internal sealed class StepOrigins
{
    [ThreadStatic]
    private static StepOrigins? ofThread;

    private readonly List<CallRecord> found = [];
    private readonly Stack<Future> open = new();

    public static StepOrigins OfThread => ofThread ??= new();

    /// <summary>What is found is taken along the way: <see cref="AddAll"/> only notes what is still to look at, so chains of any length are fine.</summary>
    public void AddAll(Future future) => open.Push(future);

    public void Add(CallRecord? record)
    {
        if (record is not null) found.Add(record);
    }

    public void Find()
    {
        while (open.TryPop(out Future? future)) future.AddOrigins(this);
    }

    /// <summary>Those of a scope, each once; then it is empty again.</summary>
    public CallRecord[] Take(StepScope scope)
    {
        CallRecord[] all = found.Count == 0 ? [] : [.. found.Where(record => ReferenceEquals(record.Scope, scope)).Distinct()];
        found.Clear();
        return all;
    }
}
