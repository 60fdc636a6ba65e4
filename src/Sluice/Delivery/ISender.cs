namespace Sluice;

/// <summary>What a caller needs to send items to a <see cref="Consecutor{T}"/>: to inject, and to replace in tests.</summary>
/// <remarks>Thread-safe. Items may be sent before the consecutor has started; they wait in its store.</remarks>
/// <typeparam name="T">The type of the items.</typeparam>
public interface ISender<T>
{
    /// <summary>Sends an item. When the task completes, the item is accepted, as durably as the store is. Waits while the stream is
    /// full.</summary>
    /// <inheritdoc cref="Consecutor{T}.SendAsync(T, CancellationToken)"/>
    ValueTask SendAsync(T item, CancellationToken cancellation = default);

    /// <summary>Sends several items, in order. When the task completes, all of them are accepted.</summary>
    /// <inheritdoc cref="Consecutor{T}.SendAllAsync(IEnumerable{T}, CancellationToken)"/>
    ValueTask SendAllAsync(IEnumerable<T> items, CancellationToken cancellation = default);

    /// <summary>Sends an item if the stream has room, now or within the time that the options allow.</summary>
    /// <inheritdoc cref="Consecutor{T}.TrySendAsync(T, SendOptions, CancellationToken)"/>
    Task<SendResult> TrySendAsync(T item, SendOptions? options = null, CancellationToken cancellation = default);

    /// <summary>Sends several items in one append. They are accepted together and in order, or not at all.</summary>
    /// <inheritdoc cref="Consecutor{T}.TrySendAllAsync(IReadOnlyList{T}, SendOptions, CancellationToken)"/>
    Task<SendResult> TrySendAllAsync(IReadOnlyList<T> items, SendOptions? options = null, CancellationToken cancellation = default);
}
