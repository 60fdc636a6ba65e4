namespace Sluice.Graphs;

/// <summary>
/// The recorded calls behind a future that joins others. Written once, however many futures depend on it; expanded only for a drawing.
/// Immutable.
/// </summary>
/// <remarks>The origin of a future is such a set, a <see cref="CallRecord"/>, or null.</remarks>
internal sealed class Origins
{
    private readonly object[] parts;
    private readonly StepScope? scope;               // the scope of all parts; null if they are of several

    private Origins(object[] parts)
    {
        this.parts = parts;
        scope = ScopeOf(parts[0]);
        foreach (object part in parts)
            if (!ReferenceEquals(ScopeOf(part), scope)) scope = null;
    }

    /// <summary>The origins of a join of these futures.</summary>
    public static object? Of(Future[] sources)
    {
        List<object>? parts = null;
        foreach (Future source in sources)
            if (source.Origins is { } part && !(parts is [.., var last] && ReferenceEquals(last, part))) (parts ??= []).Add(part);
        return parts switch { null => null, [var only] => only, _ => new Origins([.. parts]) };
    }

    /// <summary>Whether it may have a call of this scope.</summary>
    public static bool MayBeIn(object origin, StepScope scope) => ScopeOf(origin) is not { } only || ReferenceEquals(only, scope);

    /// <summary>The calls of a scope in these origins, each once, in order.</summary>
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
