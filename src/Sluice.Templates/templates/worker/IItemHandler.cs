namespace Worker;

/// <summary>Handles one item. If the process dies in the middle, the item is handled again after the restart.</summary>
public interface IItemHandler
{
    /// <summary>Handles an item. If it throws, the item is tried again.</summary>
    Task HandleAsync(Item item, CancellationToken cancellation);
}

/// <summary>Writes each item to the log. Replace it with your own work.</summary>
public sealed class LoggingItemHandler(ILogger<LoggingItemHandler> logger) : IItemHandler
{
    public Task HandleAsync(Item item, CancellationToken cancellation)
    {
        logger.LogInformation("Handled the item {Id}", item.Id);
        return Task.CompletedTask;
    }
}
