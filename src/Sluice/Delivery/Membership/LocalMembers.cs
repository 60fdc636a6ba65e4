using System.Runtime.CompilerServices;
using Sluice.Diagnostics;

namespace Sluice.Delivery;

/// <summary>
/// The members of consecutors that run over a store in this process. A store takes a second consecutor of the same member for the first
/// one, started again, and gives it the partitions of the first. So two at once are refused.
/// </summary>
/// <remarks>
/// Thread-safe; nothing is called under the lock. A store is the object that the user gave: two wrappers of one store are two stores.
/// </remarks>
internal sealed class LocalMembers
{
    private static readonly ConditionalWeakTable<IStreamStore, LocalMembers> OfStores = [];

    private readonly Dictionary<Key, LocalMember> running = [];

    /// <summary>The members over a store.</summary>
    public static LocalMembers Of(IStreamStore store) => OfStores.GetOrCreateValue(store);

    /// <summary>Adds a member, unless one of its name is there.</summary>
    /// <returns>Null if the member was added; else the member that is there.</returns>
    public LocalMember? TryEnter(ConsecutorIdentity consecutor, LocalMember member)
    {
        lock (running) return running.TryAdd(Key.Of(consecutor), member) ? null : running[Key.Of(consecutor)];
    }

    /// <summary>Removes a member, if it is there.</summary>
    public void Leave(ConsecutorIdentity consecutor, LocalMember member)
    {
        lock (running)
        {
            if (running.TryGetValue(Key.Of(consecutor), out LocalMember? present) && present == member) running.Remove(Key.Of(consecutor));
        }
    }

    private readonly record struct Key(ExclusiveExecution Process, string Consecutor, string Member)
    {
        public static Key Of(ConsecutorIdentity consecutor)
            => new(consecutor.Options.Process, consecutor.Name, consecutor.Options.InstanceId);
    }
}

/// <summary>A running consecutor, as another one of its name sees it.</summary>
/// <param name="State">Reads its status.</param>
/// <param name="Completion">Ends, possibly with a failure, when it does not run any more.</param>
internal sealed record LocalMember(Func<ConsecutorStatus> State, Task Completion);
