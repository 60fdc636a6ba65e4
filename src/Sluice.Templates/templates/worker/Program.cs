using Sluice;
using Sluice.Hosting;
using Sluice.Sqlite;
using Worker;

try
{
    var builder = WebApplication.CreateBuilder(new WebApplicationOptions
    {
        Args = args,
        ContentRootPath = AppContext.BaseDirectory,      // appsettings.json is read from the folder of the program
    });
    builder.AddTelemetry();
    builder.Services.AddSingleton<IItemHandler, LoggingItemHandler>();

    // The store is a file beside the program: with "dotnet run" in bin/Debug/net10.0, where a clean build or another deployment deletes
    // it. So where it is deployed, the setting Sluice:Store names a file in a directory that stays, in a container a volume, and that the
    // user of the service may write to: Sluice__Store=sqlite:/var/lib/worker/items.db
    builder.Services.AddSluice(sluice => sluice.UseSqlite(Path.Combine(AppContext.BaseDirectory, "items.db")))
        .AddConsecutor<Item>("items",
            (services, source) => ItemPipeline.Build(source, services.GetRequiredService<IItemHandler>()),
            ItemPipeline.Configure,
            key: item => item.Id);

    var app = builder.Build();
    app.MapProducer<Item>("/items");       // 202: the item is in the store's file
    app.MapSluiceHealth();                 // GET /health/live, GET /health/ready
    await app.RunAsync();
    return Environment.ExitCode;
}
catch (Exception e) when (StartMistake.Find(e) is { } mistake)
{
    return mistake.Report();               // a wrong setting, or a port in use: a line on standard error, and an exit code
}
