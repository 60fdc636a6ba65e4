using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>The calls of a pure step that other calls with the same arguments, in the same scope, need not repeat.</summary>
/// <remarks>Thread-safe. A scope that is gone takes its calls with it.</remarks>
/// <param name="capacity">How many calls are known in a scope: beyond that the oldest is forgotten.</param>
internal sealed class StepMemo(int capacity)
{
    private readonly ConditionalWeakTable<StepScope, Calls> scopes = [];

    public int Capacity => capacity;

    /// <summary>The call that has the result for these arguments, or will have it: an earlier one, or this one.</summary>
    /// <exception cref="Exception">Whatever the arguments' own Equals and GetHashCode throw.</exception>
    public Future FirstOf(StepScope scope, object arguments, Future call) => scopes.GetValue(scope, _ => new(capacity)).FirstOf(arguments, call);

    private sealed class Calls(int capacity)
    {
        // Under the lock, which users' code (Equals) runs in: it cannot come back here but by the same thread.
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
                // Calls that have failed and were replaced stand in the queue as well: what is forgotten is the call, if it is still the one.
                while (known.Count > capacity || oldest.Count > 2 * capacity)
                {
                    var (key, gone) = oldest.Dequeue();
                    if (known.TryGetValue(key, out Future? kept) && ReferenceEquals(kept, gone)) known.Remove(key);
                }
                return call;
            }
        }
    }
}
