namespace Sluice.Hosting;

/// <summary>The services of a container, with a scope for each start of a processor.</summary>
internal sealed class ContainerServices(IServiceProvider container) : ProcessorServices
{
    private readonly IServiceProviderIsService known = container.GetRequiredService<IServiceProviderIsService>();

    private readonly DisposedContainer? disposed = container.GetService<DisposedContainer>();

    public override bool IsDisposed => disposed is { IsDisposed: true };

    public override bool Has(Type service) => known.IsService(service);

    public override (IServiceProvider Services, IAsyncDisposable Lifetime) Open()
    {
        AsyncServiceScope scope = container.CreateAsyncScope();
        return (scope.ServiceProvider, scope);
    }
}
