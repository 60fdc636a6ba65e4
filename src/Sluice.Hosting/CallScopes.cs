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
        AsyncServiceScope scope = await OpenAsync(cancellation).ConfigureAwait(false);
        TOut result;
        try
        {
            result = await function(scope.ServiceProvider.GetRequiredService<TService>()).ConfigureAwait(false);
        }
        catch (Exception failure)
        {
            try
            {
                await scope.DisposeAsync().ConfigureAwait(false);
            }
            catch (Exception end)
            {
                throw new AggregateException(failure, end);
            }
            throw;
        }
        await scope.DisposeAsync().ConfigureAwait(false);
        return result;
    }
    /// <summary>Opens a scope. In a disposed container the call ends with the stop of its unit, so that its item goes back to the
    /// store.</summary>
    private async ValueTask<AsyncServiceScope> OpenAsync(CancellationToken cancellation)
    {
        try
        {
            return services.CreateAsyncScope();
        }
        catch (ObjectDisposedException) when (container is { IsDisposed: true })
        {
            await container.EndUnitsAsync(cancellation).ConfigureAwait(false);
            throw;                                   // a call from elsewhere
        }
    }
}
