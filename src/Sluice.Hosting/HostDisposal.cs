namespace Sluice.Hosting;

/// <summary>Stops the units of a host that is disposed without a stop, before the container disposes the objects that they use.</summary>
/// <remarks>The container disposes its objects in the reverse order of their creation. The host asks for this one when all units are
/// made.</remarks>
internal sealed class HostDisposal : IAsyncDisposable
{
    private SluiceHost? host;

    public void EndBefore(SluiceHost ended) => host = ended;

    public async ValueTask DisposeAsync()
    {
        if (host is not null) await host.CutShortAsync().ConfigureAwait(false);
    }
}

/// <summary>Stops the units of a host at once if one of them meets the disposed container.</summary>
/// <remarks>Thread-safe. From the beginning of its disposal the container opens no scope. It disposes services that it made later before it
/// disposes <see cref="HostDisposal"/>.</remarks>
internal sealed class DisposedContainer(IServiceProvider container)
{
    private volatile SluiceHost? host;
    private ExecutionContext? starting;

    /// <summary>Names the host whose units end with the container.</summary>
    public void Ends(SluiceHost started)
    {
        starting = ExecutionContext.Capture();
        host = started;
    }

    /// <summary>Whether the container is disposed.</summary>
    public bool IsDisposed
    {
        get
        {
            try
            {
                container.GetService(typeof(IServiceProvider));
                return false;
            }
            catch (ObjectDisposedException)
            {
                return true;
            }
        }
    }

    /// <summary>Stops the units. If the caller is code of a unit, the stop cancels its token.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task EndUnitsAsync(CancellationToken cancellation)
    {
        if (host is { } ended)
        {
            // Not in the context of the caller: units refuse to be stopped by their own code.
            Task stop = Task.CompletedTask;
            if (starting is { } context) ExecutionContext.Run(context, _ => stop = ended.CutShortAsync(), null);
            else stop = ended.CutShortAsync();
            await stop.WaitAsync(cancellation).ConfigureAwait(false);
        }
        cancellation.ThrowIfCancellationRequested();
    }
}
