using System.Collections.Concurrent;
using System.Text.Json;

namespace Sluice.Delivery;

/// <summary>
/// Tells of members in the stored state of nodes that the types of this code do not have. Reading passes over them, and the next
/// write loses them: the value of a renamed member would be gone without a word.
/// </summary>
/// <remarks>Thread-safe; one for each consecutor. It tells once for each node and type.</remarks>
internal sealed class UnknownMembers(string consecutor, Action<string> warn)
{
    private readonly ConcurrentDictionary<(string Node, Type Type), bool> told = new();

    public T Read<T>(IPayloadSerializer<T> serializer, string node, ReadOnlySpan<byte> state)
    {
        if (serializer is not IDoorSerializer<T> { Exact: { } exact } || told.ContainsKey((node, typeof(T))))
            return serializer.Deserialize(state);
        try
        {
            return exact.Deserialize(state);
        }
        catch (JsonException e)
        {
            T value = serializer.Deserialize(state);     // throws if unknown members are not all that is wrong
            if (told.TryAdd((node, typeof(T)), true)) warn(
                $"The stored state of {node} in the consecutor {consecutor} has more than the type {TypeNames.Of(typeof(T))}: {e.Message} "
                    + "This member is passed over, and lost when the state is written again. If the member has another name now, put "
                    + "[JsonPropertyName] with the old name on it. If a newer version has added it, this older one removes it again.");
            return value;
        }
    }
}
