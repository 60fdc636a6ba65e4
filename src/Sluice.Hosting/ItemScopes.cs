namespace Sluice.Hosting;

/// <summary>Gives functions of a pipeline the services of a scope that lasts for one item, or for one batch where items are
/// batches.</summary>
/// <remarks>A failure of the scope, when it makes the service or disposes it, fails the item as a failure of the function does. If the
/// function and the end of its scope both fail, the item fails with an <see cref="AggregateException"/> of both. If the host is disposed
/// without a stop, an item that begins then goes back to the store.</remarks>
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
    /// <exception cref="InvalidOperationException">The service is not registered.</exception>
    public static Func<TIn, CancellationToken, Task<TOut>> ForEachItem<TService, TIn, TOut>(
        this IServiceProvider services, Func<TService, TIn, CancellationToken, Task<TOut>> function) where TService : notnull
    {
        ArgumentNullException.ThrowIfNull(function);
        Check<TService>(services);
        var scopes = new CallScopes(services);
        return (item, cancellation) => scopes.CallAsync((TService service) => function(service, item, cancellation), cancellation);
    }

    /// <inheritdoc cref="ForEachItem{TService, TIn, TOut}(IServiceProvider, Func{TService, TIn, CancellationToken, Task{TOut}})"/>
    public static Func<TIn, CancellationToken, Task> ForEachItem<TService, TIn>(
        this IServiceProvider services, Func<TService, TIn, CancellationToken, Task> function) where TService : notnull
    {
        ArgumentNullException.ThrowIfNull(function);
        Check<TService>(services);
        var scopes = new CallScopes(services);
        return (item, cancellation) => scopes.CallAsync(async (TService service) =>
        {
            await function(service, item, cancellation).ConfigureAwait(false);
            return true;
        }, cancellation);
    }

    // A container that cannot be asked shows it with the first item.
    private static void Check<TService>(IServiceProvider services)
    {
        ArgumentNullException.ThrowIfNull(services);
        if (services.GetService<IServiceProviderIsService>() is { } known
            && new NeededService(typeof(TService), "ForEachItem").WhatIsMissing(known) is { } missing)
            throw new InvalidOperationException(missing);
    }
}
