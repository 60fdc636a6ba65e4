namespace Sluice.Flows;

/// <summary>The services that functions of processors can use; an adapter to a container. <c>Sluice.Hosting</c> has one.</summary>
/// <remarks>Implementations are thread-safe.</remarks>
public abstract class ProcessorServices
{
    /// <summary>Whether there is a service of this type. Asked at registration, so that a missing service is found early.</summary>
    public abstract bool Has(Type service);

    /// <summary>Opens a scope for one start of a processor. The lifetime is disposed when the start has ended.</summary>
    /// <remarks>If it throws an <see cref="ObjectDisposedException"/> and <see cref="IsDisposed"/> is true, the start does not fail: it
    /// waits until the supervisor is disposed, and another service starts the processor.</remarks>
    public abstract (IServiceProvider Services, IAsyncDisposable Lifetime) Open();

    /// <summary>Whether the container is disposed, and opens no scope any more. Its owner then disposes the supervisor soon. False
    /// unless it is overridden.</summary>
    public virtual bool IsDisposed => false;

    /// <summary>No services.</summary>
    internal static ProcessorServices None { get; } = new NoServices();

    private sealed class NoServices : ProcessorServices, IServiceProvider, IAsyncDisposable
    {
        public override bool Has(Type service) => false;

        public override (IServiceProvider Services, IAsyncDisposable Lifetime) Open() => (this, this);

        public object? GetService(Type serviceType) => null;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
