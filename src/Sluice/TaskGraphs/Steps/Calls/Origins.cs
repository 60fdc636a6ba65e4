namespace Sluice;

/// <summary>
/// The recorded calls behind a future that joins others: written down once, however many depend on it, and only taken apart when a picture is drawn. What leads to a future is one of these, a
/// <see cref="CallRecord"/>, or null. Immutable.
/// </summary>
internal sealed class Origins
{
    private readonly object[] parts;
    private readonly StepScope? scope;               // of all parts; null if they are of several

    private Origins(object[] parts)
    {
        this.parts = parts;
        scope = ScopeOf(parts[0]);
        foreach (object part in parts)
            if (!ReferenceEquals(ScopeOf(part), scope)) scope = null;
    }

    /// <summary>What leads to the join of these futures.</summary>
    public static object? Of(Future[] sources)
    {
        List<object>? parts = null;
        foreach (Future source in sources)
            if (source.Origins is { } part && !(parts is [.., var last] && ReferenceEquals(last, part))) (parts ??= []).Add(part);
        return parts switch { null => null, [var only] => only, _ => new Origins([.. parts]) };
    }

    /// <summary>Whether there may be a call of the scope in it.</summary>
    public static bool MayBeIn(object origin, StepScope scope) => ScopeOf(origin) is not { } only || ReferenceEquals(only, scope);

    /// <summary>The calls of a scope in all of these, each once, in their order.</summary>
    public static List<CallRecord> CallsIn(StepScope scope, IEnumerable<object> origins)
    {
        List<CallRecord> calls = [];
        HashSet<object> known = [];
        Stack<object> open = new(origins.Reverse());
        while (open.TryPop(out object? origin))
        {
            if (!known.Add(origin)) continue;
            if (origin is Origins join)
                for (int i = join.parts.Length - 1; i >= 0; i--) open.Push(join.parts[i]);
            else if (origin is CallRecord record && ReferenceEquals(record.Scope, scope)) calls.Add(record);
        }
        return calls;
    }

    private static StepScope? ScopeOf(object origin) => origin is CallRecord record ? record.Scope : ((Origins)origin).scope;
}
