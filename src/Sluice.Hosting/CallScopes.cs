namespace Sluice.Hosting;

/// <summary>Calls functions with a service of a scope that lasts for one call.</summary>
/// <remarks>Thread-safe. Make it while the container lives.</remarks>
internal sealed class CallScopes(IServiceProvider services)
{
    private readonly DisposedContainer? container = services.GetService<DisposedContainer>();

    /// <summary>Calls a function with a service of a scope of its own.</summary>
    public async Task<TOut> CallAsync<TService, TOut>(Func<TService, Task<TOut>> function, CancellationToken cancellation)
        where TService : notnull
    {
        (AsyncServiceScope scope, TService service) = await OpenAsync<TService>(cancellation).ConfigureAwait(false);
        TOut result;
        try
        {
            result = await function(service).ConfigureAwait(false);
        }
        catch (Exception failure)
        {
            await EndAsync(scope, failure).ConfigureAwait(false);
            throw;
        }
        await scope.DisposeAsync().ConfigureAwait(false);
        return result;
    }

    private static async ValueTask EndAsync(AsyncServiceScope scope, Exception failure)
    {
        try
        {
            await scope.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception end)
        {
            throw new AggregateException(failure, end);
        }
    }

    /// <summary>Opens a scope with its service. In a disposed container the call ends with the stop of its unit, so that its item goes back
    /// to the store.</summary>
    private async ValueTask<(AsyncServiceScope Scope, TService Service)> OpenAsync<TService>(CancellationToken cancellation)
        where TService : notnull
    {
        AsyncServiceScope? opened = null;
        try
        {
            AsyncServiceScope scope = services.CreateAsyncScope();
            opened = scope;
            return (scope, scope.ServiceProvider.GetRequiredService<TService>());
        }
        catch (Exception failure)
        {
            if (opened is { } scope) await EndAsync(scope, failure).ConfigureAwait(false);
            if (failure is not ObjectDisposedException || container is not { IsDisposed: true }) throw;
            await container.EndUnitsAsync(cancellation).ConfigureAwait(false);
            throw;                                   // a call from elsewhere
        }
    }
}
