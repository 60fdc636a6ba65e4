using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>
/// Which members of which consecutors are at work over a store in this process. A store takes whoever comes under a member's name for the same member, started again, and gives it
/// what that one has: two at once would rob each other without noticing.
/// </summary>
/// <remarks>Thread-safe; the lock is a leaf. A store is the object that was given: two wrappers of one store are two.</remarks>
internal sealed class LocalMembers
{
    private static readonly ConditionalWeakTable<IStreamStore, LocalMembers> OfStores = [];

    private readonly Dictionary<Key, LocalMember> running = [];

    /// <summary>Those over a store.</summary>
    public static LocalMembers Of(IStreamStore store) => OfStores.GetOrCreateValue(store);

    /// <returns>Null if it is at work from here on; else who is already.</returns>
    public LocalMember? TryEnter(ConsecutorCore core, LocalMember member)
    {
        lock (running) return running.TryAdd(Key.Of(core), member) ? null : running[Key.Of(core)];
    }

    /// <summary>It is not at work any more, if it was.</summary>
    public void Leave(ConsecutorCore core, LocalMember member)
    {
        lock (running)
        {
            if (running.TryGetValue(Key.Of(core), out LocalMember? present) && present == member) running.Remove(Key.Of(core));
        }
    }

    private readonly record struct Key(ExclusiveExecution Process, string Consecutor, string Member)
    {
        public static Key Of(ConsecutorCore core) => new(core.Options.Process, core.Name, core.Options.InstanceId);
    }
}

/// <summary>A consecutor at work, as another one of its name sees it.</summary>
/// <param name="State">Where it is in its life.</param>
/// <param name="Completion">Ends, as it may, when it is not at work any more.</param>
internal sealed record LocalMember(Func<ConsecutorStatus> State, Task Completion);
