namespace Sluice;

/// <summary>Where the functions of processors get their services from. A container's adapter: <c>Sluice.Hosting</c> has one.</summary>
/// <remarks>Implementations are thread-safe.</remarks>
public abstract class ProcessorServices
{
    /// <summary>Whether there is such a service. Asked when a function is registered, so that what is missing is found then.</summary>
    public abstract bool Has(Type service);

    /// <summary>Opens a scope for one start of a processor. The lifetime is disposed when it has ended.</summary>
    public abstract (IServiceProvider Services, IAsyncDisposable Lifetime) Open();

    /// <summary>A program without services.</summary>
    internal static ProcessorServices None { get; } = new NoServices();

    private sealed class NoServices : ProcessorServices, IServiceProvider, IAsyncDisposable
    {
        public override bool Has(Type service) => false;

        public override (IServiceProvider Services, IAsyncDisposable Lifetime) Open() => (this, this);

        public object? GetService(Type serviceType) => null;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
