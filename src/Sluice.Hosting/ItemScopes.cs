namespace Sluice.Hosting;

/// <summary>Gives functions of a pipeline the services of a scope that lasts for one item, or for one batch where items are
/// batches.</summary>
/// <example><code>
/// sluice.AddConsecutor&lt;Order&gt;("orders", (services, source) => source
///     | services.ForEachItem((OrderDb db, Order order, CancellationToken token) => db.SaveAsync(order, token)));
/// </code></example>
public static class ItemScopes
{
    /// <summary>Returns a function that opens a scope for each item, calls a function with a service of it, and disposes the scope when the
    /// function has ended.</summary>
    /// <param name="services">The services of the host.</param>
    /// <param name="function">The function.</param>
    public static Func<TIn, CancellationToken, Task<TOut>> ForEachItem<TService, TIn, TOut>(
        this IServiceProvider services, Func<TService, TIn, CancellationToken, Task<TOut>> function) where TService : notnull
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(function);
        return async (item, cancellation) =>
        {
            await using AsyncServiceScope scope = services.CreateAsyncScope();
            return await function(scope.ServiceProvider.GetRequiredService<TService>(), item, cancellation).ConfigureAwait(false);
        };
    }

    /// <inheritdoc cref="ForEachItem{TService, TIn, TOut}(IServiceProvider, Func{TService, TIn, CancellationToken, Task{TOut}})"/>
    public static Func<TIn, CancellationToken, Task> ForEachItem<TService, TIn>(
        this IServiceProvider services, Func<TService, TIn, CancellationToken, Task> function) where TService : notnull
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(function);
        return async (item, cancellation) =>
        {
            await using AsyncServiceScope scope = services.CreateAsyncScope();
            await function(scope.ServiceProvider.GetRequiredService<TService>(), item, cancellation).ConfigureAwait(false);
        };
    }
}
