namespace Sluice;

/// <summary>Finds the calls behind the futures that a call depends on, through all that derives futures from futures. Used by one thread, for one call at a time.</summary>
internal sealed class StepOrigins
{
    [ThreadStatic]
    private static StepOrigins? ofThread;

    private const int FewEnough = 16;

    private readonly List<CallRecord> found = [];
    private HashSet<CallRecord>? known;
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
        int count = 0;
        for (int i = 0; i < found.Count; i++)
        {
            CallRecord record = found[i];
            if (!ReferenceEquals(record.Scope, scope) || IsKnown(record, count)) continue;
            found[count++] = record;
        }
        CallRecord[] all = count == 0 ? [] : new CallRecord[count];
        found.CopyTo(0, all, 0, count);
        found.Clear();
        known?.Clear();
        return all;
    }

    /// <summary>Whether it is among the first of those that were found. Most calls have few dependencies; where there are many, a set remembers them.</summary>
    private bool IsKnown(CallRecord record, int count)
    {
        if (found.Count > FewEnough) return !(known ??= []).Add(record);
        for (int i = 0; i < count; i++)
            if (ReferenceEquals(found[i], record)) return true;
        return false;
    }
}
