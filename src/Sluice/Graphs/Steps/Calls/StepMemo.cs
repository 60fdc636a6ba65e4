namespace Sluice.Graphs;

/// <summary>The calls of a pure step, by scope and arguments, whose results later calls reuse.</summary>
/// <remarks>Thread-safe. A collected scope takes its calls with it.</remarks>
/// <param name="capacity">The number of calls kept per scope; then the oldest is forgotten.</param>
internal sealed class StepMemo(int capacity)
{
    private readonly ConditionalWeakTable<StepScope, Calls> scopes = [];

    public int Capacity => capacity;

    /// <summary>The call that has, or will have, the result for these arguments: an earlier one, or this one.</summary>
    /// <exception cref="Exception">Equals or GetHashCode of an argument has thrown.</exception>
    public Future FirstOf(StepScope scope, object arguments, Future call)
        => scopes.GetValue(scope, _ => new(capacity)).FirstOf(arguments, call);

    private sealed class Calls(int capacity)
    {
        // The lock guards them. User code (Equals) runs in it; the lock is reentrant for its thread.
        private readonly Dictionary<object, Future> known = [];
        private readonly Queue<(object Arguments, Future Call)> oldest = [];
        private readonly Lock sync = new();

        public Future FirstOf(object arguments, Future call)
        {
            lock (sync)
            {
                if (known.TryGetValue(arguments, out Future? first) && !(first.IsCompleted && first.Failure is not null)) return first;
                known[arguments] = call;
                oldest.Enqueue((arguments, call));
                // The queue also has failed calls that were replaced, so a key is removed only if its call is still the known one.
                while (known.Count > capacity || oldest.Count / 2 > capacity)
                {
                    var (key, gone) = oldest.Dequeue();
                    if (known.TryGetValue(key, out Future? kept) && ReferenceEquals(kept, gone)) known.Remove(key);
                }
                return call;
            }
        }
    }
}
